import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { takeLock } from "../src/lock.js";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "lock-"));
}

it("is held by one at a time and leaves nothing behind", () => {
  const at = folder();
  const lock = takeLock(at);
  expect(JSON.parse(readFileSync(lock.path, "utf8"))).toMatchObject({ pid: process.pid, host: hostname() });
  expect(() => takeLock(at)).toThrow(
    `another trainer (process ${process.pid}) writes in this run folder; wait for it, choose another --out`,
  );
  lock.release();
  expect(readdirSync(at)).toEqual([]);
  takeLock(at).release();
  lock.release();
});

it("is taken over from a process that is gone", () => {
  const at = folder();
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(join(at, "trainer.lock"), JSON.stringify({ pid, started: "1", host: hostname() }));
  const lock = takeLock(at);
  expect(JSON.parse(readFileSync(lock.path, "utf8")).pid).toBe(process.pid);
  lock.release();
});

it("is taken over from a dead process whose number another one has now", () => {
  const at = folder();
  writeFileSync(
    join(at, "trainer.lock"),
    JSON.stringify({ pid: process.pid, started: "long ago", host: hostname() }),
  );
  // only Linux tells when a process started
  if (existsSync("/proc/self/stat")) takeLock(at).release();
});

it("is taken over from a killed process that nobody has waited for", async () => {
  if (!existsSync("/proc/self/stat")) return;
  const at = folder();
  // The shell starts a child, tells its number, kills it and never waits: a zombie until the shell ends.
  const shell = spawn("sh", ["-c", "sleep 60 & echo $!; kill -9 $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(shell.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
  writeFileSync(join(at, "trainer.lock"), JSON.stringify({ pid, started: "1", host: hostname() }));
  takeLock(at).release();
  shell.kill("SIGKILL");
});

it("is not taken from another machine, whose processes cannot be seen", () => {
  const at = folder();
  writeFileSync(join(at, "trainer.lock"), JSON.stringify({ pid: 1, started: "1", host: "elsewhere" }));
  expect(() => takeLock(at)).toThrow("another trainer (process 1 on elsewhere)");
});

it("is taken over where the file is damaged", () => {
  const at = folder();
  writeFileSync(join(at, "trainer.lock"), "{");
  takeLock(at).release();
});
