/** The MNIST example: trained from scratch here, and as committed in models/judge, judged on all test digits. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { loadDataset } from "@onnx-diffusion/trainer";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainJudge } from "../examples/mnist-classifier.js";

const fromRoot = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "judge-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SIZE = 3 * 32 * 32;

/** All 10,000 test digits as the judge takes them, and their labels. */
async function testDigits() {
  const digits = await loadDataset("mnist", { split: "test", channels: 3, height: 32, width: 32 });
  const all = Array.from({ length: digits.count }, (_, i) => i);
  const pixels = new Uint8Array(digits.count * SIZE);
  const labels = new Int32Array(digits.count);
  digits.images(all, pixels);
  digits.labels(all, labels);
  return { images: Float32Array.from(pixels, (v) => v / 127.5 - 1), labels };
}

let digits: Awaited<ReturnType<typeof testDigits>>;
beforeAll(async () => {
  digits = await testDigits();
});

async function open(judge: string) {
  const session = await InferenceSession.create(path.join(judge, "classifier.onnx"));
  return async (images: Float32Array) => {
    const n = images.length / SIZE;
    const results = await session.run({ images: new Tensor("float32", images, [n, 3, 32, 32]) });
    return { logits: results.logits!, features: results.features! };
  };
}

/** The share of the test digits whose largest logit is that of their label. */
async function accuracy(judge: string): Promise<number> {
  const classify = await open(judge);
  let right = 0;
  for (let first = 0; first < digits.labels.length; first += 1000) {
    const { logits } = await classify(digits.images.subarray(first * SIZE, (first + 1000) * SIZE));
    for (let i = 0; i < 1000; i++) {
      const row = [...(logits.data.slice(i * 10, (i + 1) * 10) as Float32Array)];
      const best = row.reduce((winner, value, k) => (value > row[winner]! ? k : winner), 0);
      if (best === digits.labels[first + i]) right++;
    }
  }
  return right / digits.labels.length;
}

test("is at most 200 lines, training loop and all", () => {
  const source = readFileSync(fromRoot("examples/mnist-classifier.ts"), "utf8");
  expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(200);
});

test("trains to 98.8 % of the 10,000 test digits", { timeout: 900_000 }, async () => {
  const lines: string[] = [];
  const claimed = await trainJudge(folder, (line) => lines.push(line));
  expect(lines.map((line) => line.split(":")[0])).toEqual(["epoch 1 of 2", "epoch 2 of 2", folder]);
  const counted = await accuracy(folder);
  expect(counted).toBeGreaterThanOrEqual(0.988);
  expect(claimed).toBe(counted);
});

describe("models/judge", () => {
  const judge = fromRoot("models/judge");
  const manifest = JSON.parse(readFileSync(path.join(judge, "manifest.json"), "utf8"));

  test("is the file that its manifest tells of", () => {
    const bytes = readFileSync(path.join(judge, "classifier.onnx"));
    expect(manifest.files["classifier.onnx"]).toEqual({
      sha256: createHash("sha256").update(bytes).digest("hex"),
      bytes: bytes.length,
    });
  });

  test("gets 98.8 % of the 10,000 test digits right, as its manifest says", async () => {
    const counted = await accuracy(judge);
    expect(counted).toBeGreaterThanOrEqual(0.988);
    // Another processor rounds otherwise; that may turn a digit on the border between two classes.
    expect(Math.abs(counted - manifest.accuracy)).toBeLessThanOrEqual(0.0003);
  });

  test("gives logits and features of any number of images, coloured ones by their mean", async () => {
    const classify = await open(judge);
    const seven = digits.images.slice(0, SIZE);
    const coloured = Float32Array.from(seven, (v, i) => v + [0.3, -0.1, -0.2][Math.floor(i / 1024)]!);
    const { logits, features } = await classify(Float32Array.from([...seven, ...coloured]));
    expect([logits.dims, features.dims]).toEqual([
      [2, 10],
      [2, manifest.features],
    ]);
    const rows = logits.data as Float32Array;
    // The mean of the three colours is rounded to float32; logits are below 32, whose last digit is 4e-6.
    for (let k = 0; k < 10; k++) expect(Math.abs(rows[k]! - rows[10 + k]!)).toBeLessThan(1e-4);
  });
});
