/** `trainer --init`: training begins with PyTorch's weights. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "@onnx-diffusion/diffusion";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "init-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const WEIGHTS = path.join(root, "test/golden/state-dict-float32.safetensors");

function run(name: "trainer" | "graph-builder", ...args: string[]) {
  const cli = path.join(root, "packages", name, "dist", "cli.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

const train = (steps: number, ...more: string[]) =>
  run(
    "trainer",
    "--artifacts",
    "net",
    "--steps",
    String(steps),
    "--batch",
    "2",
    "--sample-every",
    "0",
    ...more,
  );

beforeAll(() => {
  const options = ["channels=4,5,6,7", "bottleneck=8", "up=8,7,6,5"].flatMap((o) => ["--option", o]);
  expect(run("graph-builder", "emit", "unet-cond", ...options, "--out", "net").stderr).toBe("");
}, 60_000);

describe("a run from weights of PyTorch", () => {
  test("is one step of 1e-6 away from them after the first step", () => {
    const { status, stderr } = train(1, "--init", WEIGHTS, "--lr", "1e-6", "--out", "run");
    expect([status, stderr]).toEqual([0, ""]);
    const theirs = decodeSafetensors(readFileSync(WEIGHTS)).tensors;
    const ours = decodeSafetensors(readFileSync(path.join(folder, "run/model/weights.safetensors"))).tensors;
    for (const [name, { data }] of ours) {
      if (name.includes(".running_")) continue;
      const before = theirs.get(name)!.data as Float32Array;
      // Adam's first step moves no weight by more than the learning rate; 2e-7 for the rounding of values up to 1.
      const apart = Math.max(...(data as Float32Array).map((v, i) => Math.abs(v - before[i]!)));
      expect(apart, name).toBeGreaterThan(0);
      expect(apart, name).toBeLessThan(1.2e-6);
    }
  });

  test("is resumed with the same weights alone", () => {
    const without = train(2, "--lr", "1e-6", "--out", "run", "--resume");
    expect(without.status).toBe(1);
    expect(without.stderr).toMatch(
      /^trainer: run: the run there was started with another configuration: --init absent \(was [0-9a-f]{8}…\); resume with .*\n$/,
    );
    const { status, stderr } = train(2, "--init", WEIGHTS, "--lr", "1e-6", "--out", "run", "--resume");
    expect([status, stderr]).toEqual([0, ""]);
  });
});

test.each([
  ["nowhere.safetensors", /^trainer: --init: cannot read nowhere\.safetensors: .*\n$/],
  [
    path.join(root, "test/golden/unet-narrow.safetensors"),
    /^trainer: --init .*unet-narrow\.safetensors: the weights do not fit the network: missing: down1\.conv\.weight, .* and \d+ more; not of this network: .*\n$/,
  ],
])("%s is refused in one line", (file, message) => {
  const { status, stderr } = train(1, "--init", file, "--out", "other");
  expect(stderr).toMatch(message);
  expect(status).toBe(1);
});
