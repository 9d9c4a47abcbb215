/** A network of one's own (docs/own-network.md): the documented file is the example, it is emitted, and it trains. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "own-network-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXAMPLE = path.join(root, "packages/graph-builder/examples/my-net.ts");

function run(name: "trainer" | "graph-builder", ...args: string[]) {
  const cli = path.join(root, "packages", name, "dist", "cli.js");
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8", timeout: 110_000 });
}

test("the document shows the example as it is", () => {
  const code = readFileSync(EXAMPLE, "utf8").replace(/^\/\*\*.*?\*\/\n/s, "");
  expect(readFileSync(path.join(root, "docs/own-network.md"), "utf8")).toContain(`\`\`\`ts\n${code}\`\`\``);
});

test("the example is emitted and learns", () => {
  const emitted = run("graph-builder", "emit", EXAMPLE, "--out", "my-net", "--option", "channels=12");
  expect([emitted.status, emitted.stderr]).toEqual([0, ""]);
  const args = [
    "--artifacts",
    "my-net",
    "--out",
    "run",
    "--steps",
    "100",
    "--lr",
    "2e-3",
    "--sample-every",
    "0",
  ];
  const trained = run("trainer", ...args);
  expect([trained.status, trained.stderr]).toEqual([0, ""]);
  const curve = readFileSync(path.join(folder, "run/metrics.jsonl"), "utf8").trim().split("\n");
  const losses = curve.map((line) => (JSON.parse(line) as { loss: number }).loss);
  const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
  expect(losses.length).toBe(100);
  expect(mean(losses.slice(0, 10))).toBeGreaterThan(0.9);
  // From about 1.06 over the first ten steps to 0.50 over the last; single batches lie within 0.09 of that.
  expect(mean(losses.slice(-10))).toBeLessThan(0.7);
});
