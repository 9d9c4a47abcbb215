import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { confusionOf } from "../src/evaluation/confusion.js";
import type { Evaluation } from "../src/evaluation/evaluation.js";
import { frechetDistance } from "../src/evaluation/frechet.js";
import { emitSmallModel, trainer } from "./small-model.js";

const JUDGE = fileURLToPath(new URL("../../../models/judge", import.meta.url));

/** Points whose mean and covariance (divided by n - 1) are exactly these: pairs along the columns of a root of it. */
function pointsOf(mean: readonly number[], root: readonly (readonly number[])[]): Float32Array {
  const width = mean.length;
  const scale = Math.sqrt((2 * width - 1) / 2);
  const rows = Array.from({ length: width }, (_, j) =>
    [1, -1].map((sign) => mean.map((m, i) => m + sign * scale * root[i]![j]!)),
  );
  return Float32Array.from(rows.flat(2));
}

describe("frechetDistance", () => {
  it("is 0 for a set and itself", () => {
    const points = pointsOf(
      [1, -2, 3],
      [
        [2, 0, 0],
        [1, 1, 0],
        [0, 3, 0.5],
      ],
    );
    // float64 roots of eigenvalues that cancel: 1e-15 * 10, under a root where one is 0
    expect(frechetDistance(points, points, 3)).toBeLessThan(1e-6);
  });

  it("of diagonal covariances it is the sum of (m1 - m2)^2 + (s1 - s2)^2", () => {
    const a = pointsOf(
      [0, 0],
      [
        [1, 0],
        [0, 2],
      ],
    );
    const b = pointsOf(
      [3, 4],
      [
        [2, 0],
        [0, 5],
      ],
    );
    // float32 points: 6e-8 of 35
    expect(frechetDistance(a, b, 2)).toBeCloseTo(25 + 1 + 9, 4);
  });

  it("of 2x2 covariances that do not commute it has a closed form", () => {
    const [ra, rb] = [
      [
        [1, 0],
        [2, 1],
      ],
      [
        [3, 1],
        [0, 1],
      ],
    ] as const;
    const covariance = ([[p, q], [r, s]]: readonly [readonly [number, number], readonly [number, number]]) =>
      [p * p + q * q, p * r + q * s, r * r + s * s] as const;
    const [a11, a12, a22] = covariance(ra);
    const [b11, b12, b22] = covariance(rb);
    // trace of the root of a 2x2 product: sqrt(trace + 2 sqrt(det))
    const trace = a11 * b11 + 2 * a12 * b12 + a22 * b22;
    const det = (a11 * a22 - a12 * a12) * (b11 * b22 - b12 * b12);
    const expected = a11 + a22 + b11 + b22 - 2 * Math.sqrt(trace + 2 * Math.sqrt(det));
    expect(frechetDistance(pointsOf([0, 0], ra), pointsOf([0, 0], rb), 2)).toBeCloseTo(expected, 4);
  });

  it("needs no more images than features", () => {
    const few = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(frechetDistance(few, few, 4)).toBeLessThan(1e-6);
  });
});

it("confusionOf counts what was taken for what", () => {
  const { counts, accuracy, perClass } = confusionOf([0, 0, 1, 1, 1], [0, 2, 1, 1, 0], 3);
  expect(counts).toEqual([
    [1, 0, 1],
    [1, 2, 0],
    [0, 0, 0],
  ]);
  expect(accuracy).toBe(0.6);
  expect(perClass).toEqual([0.5, 2 / 3, Number.NaN]);
});

describe("trainer eval", () => {
  const folder = mkdtempSync(join(tmpdir(), "eval-"));
  const at = (...parts: string[]) => join(folder, ...parts);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const evaluate = (...words: string[]) =>
    trainer("eval", "--model", at("run", "model"), "--judge", JUDGE, "--out", at("out"), ...words);
  beforeAll(() => {
    const words = [
      "--artifacts",
      emitSmallModel(),
      "--out",
      at("run"),
      "--steps",
      "2",
      "--sample-every",
      "0",
    ];
    expect(trainer(...words, "--device", "cpu").status).toBe(0);
  });

  it("writes figures and pictures, the same for the same seed", () => {
    const words = ["--count", "20", "--sampler", "ddim", "--steps", "2"];
    const first = evaluate(...words);
    expect(first.stderr).toBe("");
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(
      /accuracy \d+\.\d % of 20 drawn images; the judge's own on test images is 9\d\.\d %/,
    );
    expect(first.stdout).toMatch(
      /Fréchet distance \d+\.\d+ to 20 test images; 20 training images have \d+\.\d+/,
    );
    for (const file of ["samples.png", "confusion.png", "loss-by-timestep.png", "loss-by-timestep.svg"])
      expect(existsSync(at("out", file)), file).toBe(true);
    const text = readFileSync(at("out", "eval.json"), "utf8");
    const { confusion, frechet, lossByTimestep } = JSON.parse(text) as Evaluation;
    expect(confusion!.counts.flat().reduce((a, b) => a + b)).toBe(20);
    // A network of two steps draws noise: far from digits, which training digits are not.
    expect(frechet.drawn).toBeGreaterThan(3 * frechet.real);
    // and it knows as good as nothing of the noise, whose variance is 1
    expect(lossByTimestep).toHaveLength(20);
    for (const { loss } of lossByTimestep) expect(Math.abs(loss - 1)).toBeLessThan(0.5);
    expect(evaluate(...words).status).toBe(0);
    expect(readFileSync(at("out", "eval.json"), "utf8")).toBe(text);
  });

  it.each([
    ["--judge", "nowhere", 1, /^trainer: --judge nowhere: there is no such folder; give one such as models/],
    ["--judge", "..", 1, /^trainer: --judge \.\.: the folder has no manifest\.json; give one such as models/],
    ["--count", "1", 2, /^trainer: --count: found "1", expected a whole number in 2\.\.100000/],
    ["--steps", "401", 2, /^trainer: --steps: found 401, expected at most the model's T = 400/],
    ["--spacing", "even", 2, /^trainer: --spacing: found "even", expected one of trailing, leading/],
  ])("refuses %s %s", (flag, value, status, message) => {
    const result = evaluate("--count", "4", "--steps", "1", flag, value);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.status).toBe(status);
  });

  it.each([
    [/"accuracy": 0.\d+/, '"accuracy": 2', /accuracy: found 2, expected a number in 0\.\.1/],
    [/"format": "[^"]*"/, '"format": "other"', /format: found "other", expected "onnx-classifier"/],
    [
      /"data": "mnist"/,
      '"data": "cifar10"',
      /it was trained on cifar10, the model on mnist; train a judge on mnist/,
    ],
    [/"height": 32/, '"height": 28', /it judges images of 3x28x32, the model draws 3x32x32/],
    [/"sha256": "./, '"sha256": "f', /its SHA-256 is .*, the manifest says f/],
    [/\{/, "", /it is no JSON/],
  ])("a judge's manifest with %s as %s is refused", (field, wrong, message) => {
    cpSync(JUDGE, at("judge"), { recursive: true });
    const manifest = readFileSync(join(JUDGE, "manifest.json"), "utf8");
    writeFileSync(at("judge", "manifest.json"), manifest.replace(field, wrong));
    const result = evaluate("--judge", at("judge"), "--count", "4", "--steps", "1");
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.status).toBe(1);
  });

  it("an authored folder has not been trained", () => {
    const result = trainer("eval", "--model", emitSmallModel(), "--judge", JUDGE);
    expect(result.stderr).toMatch(/it is not trained; give the model folder of a run/);
    expect(result.status).toBe(1);
  });
});
