/** Networks of one's own (docs/own-network.md): the documented files are the examples, they are emitted, and they train. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import {
  cpu,
  describeTraining,
  estimateMemory,
  GRAPHS,
  onnxRuntimeOrder,
} from "@onnx-diffusion/graph-builder";
import { afterAll, describe, expect, test } from "vitest";
import deepNet from "../packages/graph-builder/examples/deep-net.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "own-network-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const example = (name: string) => path.join(root, "packages/graph-builder/examples", `${name}.ts`);

/** With what each is emitted. The first ten of a hundred steps lose about 1.06, 1.19 and 0.96, the last ten 0.50, 0.65 and 0.28. */
const EXAMPLES = [
  ["my-net", "--option channels=12"],
  ["attention-net", "--optimizer adamw:weightDecay=0.01 --group *.bias:weightDecay=0 --clip 1 --ema 0.95"],
  ["deep-net", "--option channels=8 --option blocks=2"],
] as const;

function run(name: "trainer" | "graph-builder", ...args: string[]) {
  const cli = path.join(root, "packages", name, "dist", "cli.js");
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8", timeout: 300_000 });
}

describe.each(EXAMPLES)("%s", (name, options) => {
  test("the document shows the example as it is", () => {
    const code = readFileSync(example(name), "utf8").replace(/^\/\*\*.*?\*\/\n/s, "");
    expect(readFileSync(path.join(root, "docs/own-network.md"), "utf8")).toContain(`\`\`\`ts\n${code}\`\`\``);
  });

  test("the example is emitted and learns", () => {
    const emitted = run("graph-builder", "emit", example(name), "--out", name, ...options.split(" "));
    expect([emitted.status, emitted.stderr]).toEqual([0, ""]);
    const flags = "--steps 100 --lr 2e-3 --sample-every 0".split(" ");
    const trained = run("trainer", "--artifacts", name, "--out", `${name}.run`, ...flags);
    expect([trained.status, trained.stderr]).toEqual([0, ""]);
    const curve = readFileSync(path.join(folder, `${name}.run/metrics.jsonl`), "utf8")
      .trim()
      .split("\n");
    const losses = curve.map((line) => (JSON.parse(line) as { loss: number }).loss);
    const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    expect(losses.length).toBe(100);
    expect(mean(losses.slice(0, 10))).toBeGreaterThan(0.9);
    // Single batches lie within 0.09 of their mean.
    expect(mean(losses.slice(-10))).toBeLessThan(0.75);
  });
});

test("deep-net needs less than a third of the memory when its blocks are computed again", () => {
  const peak = (recompute: boolean) => {
    const training = describeTraining(deepNet({ recompute }), linearSchedule(PRACTICAL_SCHEDULE));
    const model = GRAPHS.training_loop.build(training, cpu);
    return estimateMemory(model, { sizes: { batch: 128, steps: 1, trips: 1 }, order: onnxRuntimeOrder }).peak;
  };
  expect(peak(true) / peak(false)).toBeLessThan(1 / 3);
});
