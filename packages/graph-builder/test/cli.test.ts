/** The command as a process, where being one matters. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

test("a reader that goes away early is no error", async () => {
  const child = spawn(process.execPath, [CLI, "list"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const [code] = await once(child, "close");
  expect(errors).toBe("");
  expect(code).toBe(0);
});
