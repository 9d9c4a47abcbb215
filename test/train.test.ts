/** The trainer, end to end, on real MNIST: it learns, resumes exactly, exports what samples, refuses what is wrong. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "train-"));
const at = (...parts: string[]) => path.join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cli = (name: "trainer" | "graph-builder") => path.join(root, "packages", name, "dist", "cli.js");

function run(name: "trainer" | "graph-builder", ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli(name), ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

const NARROW = ["--option", "channels=8,12,16,20", "--option", "bottleneck=24", "--option", "up=24,20,16,12"];
const train = (out: string, ...args: string[]) => [
  "--artifacts",
  "net",
  "--out",
  out,
  "--sample-every",
  "0",
  ...args,
];
const newest = (out: string) => at(out, "checkpoints", readdirSync(at(out, "checkpoints")).sort().at(-1)!);
const losses = (out: string) =>
  readFileSync(at(out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { step: number; loss: number; smoothed: number })
    .map(({ step, loss, smoothed }) => ({ step, loss, smoothed }));
/** The tensors: everything behind the header, whose metadata may hold times. */
function tensors(file: string): Buffer {
  const bytes = readFileSync(file);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

/** Starts the trainer, sends a signal once it has printed that it reached a step, waits for its end. */
function interrupt(signal: NodeJS.Signals, pattern: RegExp, args: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli("trainer"), ...args], { cwd: folder });
    let text = "";
    let sent = false;
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString();
      if (sent || !pattern.test(text)) return;
      sent = true;
      child.kill(signal);
    });
    child.on("close", resolve);
  });
}

beforeAll(() => {
  expect(run("graph-builder", "emit", "unet-cond", "--out", "net", ...NARROW).status).toBe(0);
});

describe("a run", () => {
  const whole = train("whole", "--steps", "400", "--save-every", "50", "--lr", "1e-3");

  test("learns", () => {
    const result = run("trainer", ...whole);
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
    const curve = losses("whole");
    expect(curve.map((m) => m.step)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    // The loss starts at about 1.3 and is about 0.25 here; predicting no noise at all would give 1.
    expect(curve.at(-1)!.smoothed).toBeLessThan(0.4);
    for (const file of ["manifest.json", "inference_model.onnx", "weights.safetensors", "README.md"]) {
      expect(existsSync(at("whole", "model", file)), file).toBe(true);
    }
  });

  test.each(["SIGINT", "SIGKILL"] as const)(
    "that was stopped by %s goes on to the same numbers",
    async (signal) => {
      const args = train(signal, "--steps", "400", "--save-every", "50", "--lr", "1e-3");
      // Steps go on while a checkpoint is written: only this line says that there is one.
      const code = await interrupt(signal, /^saved /m, args);
      expect(code).toBe(signal === "SIGINT" ? 130 : null);
      const resumed = run("trainer", ...args, "--resume");
      expect(resumed.status, resumed.stderr).toBe(0);
      expect(losses(signal)).toEqual(losses("whole"));
      expect(tensors(newest(signal)).equals(tensors(newest("whole")))).toBe(true);
    },
  );

  test("exports a folder that samples", () => {
    const args = ["sample", "--model", "whole/model", "--labels", "3,1", "--steps", "20", "--seed", "7"];
    const result = run("trainer", ...args, "--count", "2", "--out", "grid.png", "--raw", "images.npy");
    expect(result.status, result.stderr).toBe(0);
    expect(readFileSync(at("grid.png")).subarray(1, 4).toString()).toBe("PNG");
    const npy = readFileSync(at("images.npy"));
    expect(npy.toString("latin1")).toContain("'shape': (2, 32, 32, 3)");
    expect(npy.length % 64).toBe((2 * 32 * 32 * 3) % 64);
  });

  test("with another configuration is not resumed, with the difference named", () => {
    const result = run("trainer", ...train("whole", "--steps", "500", "--lr", "1e-4"), "--resume");
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/learning.?rate|lr/i);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("is not started over", () => {
    const result = run("trainer", ...whole);
    expect(result.status).not.toBe(0);
    expect(result.stderr).toMatch(/--resume/);
  });

  test("whose newest checkpoint is damaged goes on from the one before", () => {
    cpSync(at("whole"), at("damaged"), { recursive: true });
    const file = newest("damaged");
    const bytes = readFileSync(file);
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(file, bytes);
    const result = run(
      "trainer",
      ...train("damaged", "--steps", "400", "--save-every", "100", "--lr", "1e-3"),
      "--resume",
    );
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout + result.stderr).toContain(path.basename(file));
    expect(tensors(newest("damaged")).equals(tensors(newest("whole")))).toBe(true);
  });
});

describe.each<[string, string[], number, RegExp]>([
  ["no artifacts", ["--artifacts", "nowhere", "--steps", "1"], 1, /nowhere.*graph-builder.*emit/],
  ...["0", "-1", "1.5", "abc", "1e99"].map((steps): [string, string[], number, RegExp] => [
    `--steps ${steps}`,
    ["--artifacts", "net", `--steps=${steps}`],
    2,
    /--steps: found/,
  ]),
  ["data", ["--artifacts", "net", "--steps", "1", "--data", "mnits"], 2, /mnits.*mnist/],
  ["device", ["--artifacts", "net", "--steps", "1", "--device", "tpu"], 2, /--device: found "tpu"/],
  ["flag", ["--artifacts", "net", "--stpes", "1"], 2, /stpes/],
  ["data folder", ["--artifacts", "net", "--steps", "1", "--data-dir", "empty"], 1, /empty/],
  [
    "output folder",
    ["--artifacts", "net", "--steps", "1", "--out", "net/manifest.json/x"],
    1,
    /manifest\.json/,
  ],
  ["label", ["sample", "--model", "whole/model", "--labels", "10"], 2, /label 10 is out of range.*0\.\.9/],
  ["model", ["sample", "--model", "nowhere"], 1, /nowhere/],
])("a wrong %s", (_, args, status, message) => {
  test("is refused in one line", () => {
    const result = run("trainer", ...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.status).toBe(status);
  });
});

test("a damaged graph is refused by its digest", () => {
  cpSync(at("net"), at("swapped"), { recursive: true });
  cpSync(at("net", "eval_model.onnx"), at("swapped", "training_loop.onnx"));
  const result = run("trainer", "--artifacts", "swapped", "--steps", "1");
  expect(result.stderr).toMatch(/training_loop\.onnx/);
  expect(result.status).toBe(1);
});

test("a manifest with a wrong field is refused by the field's path", () => {
  cpSync(at("net"), at("wrong-manifest"), { recursive: true });
  const file = at("wrong-manifest", "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  manifest.schedule.T = -400;
  writeFileSync(file, JSON.stringify(manifest));
  const result = run("trainer", "--artifacts", "wrong-manifest", "--steps", "1");
  expect(result.stderr).toMatch(/manifest\.json: schedule\.T: found -400/);
  expect(result.status).toBe(1);
});

test("a loss that is no longer finite stops the run and keeps the last good checkpoint", () => {
  // A learning rate that no float32 weight survives for long.
  const result = run("trainer", ...train("exploding", "--steps", "100", "--save-every", "1", "--lr", "1e37"));
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(
    /the loss is (NaN|-?Infinity) at step \d+.*the checkpoint of step \d+ is kept/,
  );
  expect(readdirSync(at("exploding", "checkpoints"))).not.toEqual([]);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
});

test("a second trainer in one folder is refused while the first one runs", async () => {
  const args = train("shared", "--steps", "100000");
  const first = spawn(process.execPath, [cli("trainer"), ...args], { cwd: folder });
  const ended = new Promise((resolve) => first.on("close", resolve));
  try {
    await expect.poll(() => existsSync(at("shared", "trainer.lock"))).toBe(true);
    const second = run("trainer", ...args);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`${first.pid}`);
  } finally {
    first.kill("SIGINT");
    await ended;
  }
});

test("a checkpoint that cannot be written whole ends the run in one line and leaves no part of it", () => {
  // A limit on the size of files stands in for a full disk: it lets a run start and stops its first checkpoint.
  const command = [process.execPath, cli("trainer"), ...train("full", "--steps", "4", "--save-every", "2")];
  const result = spawnSync("bash", ["-c", 'trap "" XFSZ; ulimit -f 100; exec "$@"', "bash", ...command], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(result.stderr).toMatch(/^trainer: cannot write full\/checkpoints\/step-00000002\.safetensors: /);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
  expect(result.status).toBe(1);
  expect(readdirSync(at("full", "checkpoints"))).toEqual([]);
});
