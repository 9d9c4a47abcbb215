/** The linear regression example finds the coefficients that made the data. */
import { expect, test } from "vitest";
import { fit } from "../examples/linear-regression.js";
import { randoms } from "./run.js";

const random = randoms(7);
const x = Array.from({ length: 100 }, () => [random() * 2 - 1, random() * 2 - 1, random() * 2 - 1]);
const line = ([u, v, w]: readonly number[]) => 1.5 * u! - 0.75 * v! + 0.25 * w! + 2;

test("data on a plane give its coefficients", async () => {
  const { w, b, loss } = await fit(x, x.map(line));
  // 300 steps shrink the error by 0.94^300 < 1e-8; what is left is float32's rounding of sums near 2.
  expect(w.map((value, i) => Math.abs(value - [1.5, -0.75, 0.25][i]!) < 1e-5)).toEqual([true, true, true]);
  expect(Math.abs(b - 2)).toBeLessThan(1e-5);
  expect(loss).toBeLessThan(1e-10);
});

test("noisy data give the least squares: errors orthogonal to every feature and to 1", async () => {
  const y = x.map((row) => line(row) + random() - 0.5);
  const { w, b, loss } = await fit(x, y);
  const errors = x.map((row, i) => row.reduce((sum, value, k) => sum + value * w[k]!, b) - y[i]!);
  const mean = (values: readonly number[]) => values.reduce((a, c) => a + c, 0) / values.length;
  // The gradient where descent stops: the rounding of float32 weights near 2, times features up to 1.
  for (const k of [0, 1, 2]) expect(Math.abs(mean(errors.map((e, i) => e * x[i]![k]!)))).toBeLessThan(1e-6);
  expect(Math.abs(mean(errors))).toBeLessThan(1e-6);
  expect(loss).toBeCloseTo(mean(errors.map((e) => e * e)), 5);
  // Noise uniform over an interval of 1 has the variance 1/12; 100 of them stay within a third of it.
  expect(Math.abs(loss - 1 / 12)).toBeLessThan(1 / 36);
});
