import { beforeAll, describe, expect, test } from "vitest";
import { fillInts, fillNormals, permutation } from "../src/stream.js";

/** Draws. The seeds are fixed, so these tests always give the same answer; bounds are 5 standard errors or as said. */
const N = 10_000_000;

/**
 * P(Z > x) for x >= 0. Below 3 by the series erf(z) = 2/sqrt(pi) exp(-z^2) sum 2^n z^(2n+1) / (1 3 .. 2n+1) (DLMF 7.6.2),
 * all of whose terms are positive, so that nothing cancels; above by the continued fraction of erfc (DLMF 7.9.1), 60
 * levels of which have converged to float64 for x >= 3. Both are right to about 1e-15 absolute, the tail to 1e-13
 * relative: 10^8 times finer than anything 10^7 draws can show.
 */
function upperTail(x: number): number {
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    return 0.5 - (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  let fraction = x;
  for (let n = 60; n >= 1; n--) fraction = x + n / fraction;
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / fraction;
}

const cdf = (x: number): number => (x < 0 ? upperTail(-x) : 1 - upperTail(x));

test("the tests' own tail probabilities", () => {
  // to the digits of printed tables (Abramowitz and Stegun, table 26.1)
  expect(upperTail(0)).toBe(0.5);
  expect(upperTail(1)).toBeCloseTo(0.158655253931457, 14);
  expect(upperTail(2.999999)).toBeCloseTo(upperTail(3.000001), 7);
  expect(upperTail(3)).toBeCloseTo(0.001349898031630095, 17);
  expect(upperTail(5) / 2.866515718791939e-7).toBeCloseTo(1, 12);
});

describe("10^7 normals", () => {
  const z = new Float32Array(N);
  const moments = [0, 0, 0, 0, 0];
  const beyond = { 3: 0, 4: 0, 5: 0 };
  let lagged = 0;
  let pairedSquares = 0;

  beforeAll(() => {
    fillNormals(z, { seed: 20240601, purpose: "noise", index: 1 });
    for (let i = 0; i < N; i++) {
      const x = z[i]!;
      const square = x * x;
      moments[1]! += x;
      moments[2]! += square;
      moments[3]! += square * x;
      moments[4]! += square * square;
      if (square > 9) {
        beyond[3]++;
        if (square > 16) beyond[4]++;
        if (square > 25) beyond[5]++;
      }
      if (i % 2 === 1) {
        lagged += x * z[i - 1]!;
        pairedSquares += (square - 1) * (z[i - 1]! ** 2 - 1);
      }
    }
    z.sort();
  });

  // Raw moments of N(0,1): 0, 1, 0, 3; the variance of x^k is E x^2k - (E x^k)^2: 1, 2, 15, 96.
  test.each([
    ["mean", 1, 0, 1],
    ["variance", 2, 1, 2],
    ["skewness", 3, 0, 15],
    ["kurtosis", 4, 3, 96],
  ])("%s", (_, k, expected, variance) => {
    expect(Math.abs(moments[k]! / N - expected)).toBeLessThan(5 * Math.sqrt(variance / N));
  });

  test.each([3, 4, 5] as const)("the count beyond %d sigma", (sigma) => {
    const expected = 2 * N * upperTail(sigma);
    // a count of rare events is Poisson: its variance is its mean (26998, 633 and 5.7)
    expect(Math.abs(beyond[sigma] - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  test("the two normals of a pair are uncorrelated, and so are their squares", () => {
    // N/2 products of variance 1 * 1 and 2 * 2
    expect(Math.abs(lagged)).toBeLessThan(5 * Math.sqrt(N / 2));
    expect(Math.abs(pairedSquares)).toBeLessThan(5 * Math.sqrt((4 * N) / 2));
  });

  test("Kolmogorov-Smirnov against the exact distribution", () => {
    // At every 100th of the sorted draws; both curves rise, so between two of them they part by at most 100 / N more.
    const stride = 100;
    let largest = 0;
    for (let i = 0; i < N; i += stride) {
      const p = cdf(z[i]!);
      largest = Math.max(largest, Math.abs(p - i / N), Math.abs(p - (i + 1) / N));
    }
    // exceeded once in a thousand seeds: sqrt(-ln(0.001 / 2) / 2) / sqrt N
    expect(largest + stride / N).toBeLessThan(1.9495 / Math.sqrt(N));
  });
});

/** A chi-square of `bins - 1` degrees of freedom, as standard normal by Wilson and Hilferty's cube root. */
function chiSquareScore(counts: Uint32Array, draws: number): number {
  const expected = draws / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  const spread = 2 / (9 * freedom);
  return ((statistic / freedom) ** (1 / 3) - (1 - spread)) / Math.sqrt(spread);
}

// The score is standard normal to about 1e-2 for these degrees of freedom; 4.5 is passed 7 times in a million.
const LARGEST_SCORE = 4.5;

test("10^7 timesteps in 1..400 are uniform", () => {
  const t = new Int32Array(N);
  fillInts(t, 1, 400, { seed: 20240601, purpose: "timestep", index: 1 });
  const counts = new Uint32Array(400);
  for (const value of t) counts[value - 1]!++;
  expect(counts.reduce((sum, count) => sum + count)).toBe(N);
  expect(Math.abs(chiSquareScore(counts, N))).toBeLessThan(LARGEST_SCORE);
});

test("a range of 3 * 2^30, where a modulo would count one third twice", () => {
  const draws = 1_000_000;
  const values = new Int32Array(draws);
  fillInts(values, -(2 ** 31), 2 ** 30 - 1, { seed: 20240601, purpose: "timestep", index: 2 });
  const counts = new Uint32Array(96);
  for (const value of values) counts[Math.floor((value + 2 ** 31) / 2 ** 25)]!++;
  expect(Math.abs(chiSquareScore(counts, draws))).toBeLessThan(LARGEST_SCORE);
});

test("all 120 orders of 5 things are equally likely", () => {
  const draws = 240_000;
  const counts = new Map<string, number>();
  for (let index = 0; index < draws; index++) {
    const order = permutation(5, { seed: 20240601, purpose: "permute", index }).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(120);
  expect(Math.abs(chiSquareScore(Uint32Array.from(counts.values()), draws))).toBeLessThan(LARGEST_SCORE);
});
