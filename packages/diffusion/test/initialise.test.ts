import { expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { fillImageNoise, imageNoiseIndex } from "../src/image-noise.js";
import { initialise } from "../src/initialise.js";
import type { Initializer, StateTensor } from "../src/manifest.js";
import { fillNormals } from "../src/stream.js";

const tensor = (initializer: Initializer, over: Partial<StateTensor> = {}): StateTensor => ({
  name: "down1.conv.weight",
  kind: "parameter",
  dtype: "float32",
  shape: [100, 200],
  initializer,
  ...over,
});

function meanAndDeviation(values: Float32Array | Int32Array): [number, number] {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return [mean, Math.sqrt(squares / values.length - mean * mean)];
}

test("constants", () => {
  expect(initialise(tensor({ kind: "constant", value: 0.5 }, { shape: [2, 1] }), 0, 1)).toEqual(
    Float32Array.of(0.5, 0.5),
  );
  const counter = tensor({ kind: "constant", value: 3 }, { dtype: "int32", shape: [] });
  expect(initialise(counter, 0, 1)).toEqual(Int32Array.of(3));
});

test("uniforms fill their range evenly", () => {
  const values = initialise(tensor({ kind: "uniform", low: -0.25, high: 0.75 }), 4, 1);
  expect(values.length).toBe(20_000);
  expect(values.every((value) => value >= -0.25 && value <= 0.75)).toBe(true);
  // of 20000 uniforms of width 1, 5 standard errors: sqrt(1/12 / 20000) = 0.0020 and sqrt(1/180 / 20000) / (2 * 0.289)
  const [mean, deviation] = meanAndDeviation(values);
  expect(Math.abs(mean - 0.25)).toBeLessThan(0.0102);
  expect(Math.abs(deviation - Math.sqrt(1 / 12))).toBeLessThan(0.0046);
});

test("normals have their mean and deviation", () => {
  const [mean, deviation] = meanAndDeviation(initialise(tensor({ kind: "normal", mean: 2, std: 0.1 }), 4, 1));
  // 5 standard errors of 20000: 0.1 / sqrt(20000) and 0.1 / sqrt(2 * 20000)
  expect(Math.abs(mean - 2)).toBeLessThan(0.0036);
  expect(Math.abs(deviation - 0.1)).toBeLessThan(0.0025);
});

test("other tensors and other seeds start elsewhere, the same one the same", () => {
  const uniform = tensor({ kind: "uniform", low: -1, high: 1 }, { shape: [8] });
  expect(initialise(uniform, 2, 9)).toEqual(initialise(uniform, 2, 9));
  expect(initialise(uniform, 2, 9)).not.toEqual(initialise(uniform, 3, 9));
  expect(initialise(uniform, 2, 9)).not.toEqual(initialise(uniform, 2, 10));
});

test("what cannot be initialised", () => {
  expect(() => initialise(tensor({ kind: "uniform", low: 0, high: 1 }, { dtype: "int32" }), 0, 1)).toThrow(
    new UserError(
      'initializer of "down1.conv.weight": found uniform for int32, expected float32, or int32 with a constant',
    ),
  );
  expect(() => initialise(tensor({ kind: "constant", value: 0.5 }, { dtype: "int32" }), 0, 1)).toThrow(
    'initializer of "down1.conv.weight": found 0.5, expected an int32',
  );
});

test("an image's noise does not depend on the batch it is in", () => {
  const batch = new Float32Array(3 * 10);
  fillImageNoise(batch, { seed: 6, purpose: "sampleStep", row: 17, size: 10, first: 4 });
  for (const image of [4, 5, 6]) {
    const alone = new Float32Array(10);
    fillImageNoise(alone, { seed: 6, purpose: "sampleStep", row: 17, size: 10, first: image });
    expect(batch.subarray((image - 4) * 10, (image - 3) * 10)).toEqual(alone);
    const stream = new Float32Array(10);
    fillNormals(stream, { seed: 6, purpose: "sampleStep", index: image * 65536 + 17 });
    expect(alone).toEqual(stream);
  }
});

test("noise out of range", () => {
  expect(imageNoiseIndex(2 ** 37 - 1, 65535)).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => imageNoiseIndex(-1, 0)).toThrow("noise: found image -1");
  expect(() => imageNoiseIndex(0, 65536)).toThrow("noise: found row 65536, expected an integer in 0..65535");
  const options = { seed: 6, purpose: "sampleInitial", row: 0, size: 10 } as const;
  expect(() => fillImageNoise(new Float32Array(11), options)).toThrow(
    "found 11 values, expected a multiple of the image's 10",
  );
});
