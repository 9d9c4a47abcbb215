import { expect, test } from "vitest";
import { normalsFromWords } from "../src/normal.js";
import { philoxFill } from "../src/philox.js";

/**
 * The normals that two words stand for, by Math.log and Math.sin. Arguments are taken where these functions are
 * well conditioned, so that the reference is right to a few units of float64, 1e-15 relative.
 */
function exactPair(a: number, b: number): [number, number] {
  const u = (a + 0.5) / 2 ** 32;
  const logU = u > 0.5 ? Math.log1p(-(2 ** 32 - a - 0.5) / 2 ** 32) : Math.log(u);
  const r = Math.sqrt(-2 * logU) * (b >= 2 ** 31 ? -1 : 1);
  const f = ((b % 2 ** 31) - 2 ** 30 + 0.5) / 2 ** 30;
  return [r * Math.sin((Math.PI / 2) * (1 - Math.abs(f))), r * Math.sin((Math.PI / 2) * f)];
}

/** The distance of neighbouring float32 values around x. */
function unitInTheLastPlace(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23);
}

function largestError(words: Int32Array): number {
  const out = new Float32Array(words.length);
  normalsFromWords(words, out, 0, words.length);
  let largest = 0;
  for (let i = 0; i < words.length; i += 2) {
    const exact = exactPair(words[i]! >>> 0, words[i + 1]! >>> 0);
    for (const [j, x] of exact.entries()) {
      largest = Math.max(largest, Math.abs(out[i + j]! - x) / unitInTheLastPlace(x));
    }
  }
  return largest;
}

// Rounding to float32 is half a unit; the three polynomials add less than 4e-11 relative, which is 0.0007 units.
const LARGEST_ERROR = 0.501;

test("a million random pairs of words are within 0.501 units of the exact normals", () => {
  const words = new Int32Array(2_000_000);
  philoxFill(words, words.length / 4, 11, 22, 0, 33, 44, 55);
  expect(largestError(words)).toBeLessThan(LARGEST_ERROR);
});

test("so are the words at which a formula changes over", () => {
  // sqrt 2 * 2^j is where the mantissa is halved; powers of two where the exponent changes
  const roots = Array.from({ length: 32 }, (_, j) => Math.floor(Math.SQRT2 * 2 ** j)).filter(
    (w) => w < 2 ** 32,
  );
  const powers = Array.from({ length: 33 }, (_, j) => 2 ** j);
  const edges = [...roots, ...powers].flatMap((w) => [w - 1, w, w + 1]).filter((w) => w >= 0 && w < 2 ** 32);
  const pairs = edges.flatMap((a) => edges.flatMap((b) => [a, b]));
  expect(largestError(Int32Array.from(pairs, (w) => w | 0))).toBeLessThan(LARGEST_ERROR);
});

test("the largest normal is sqrt(-2 ln 2^-33), beyond 6 sigma", () => {
  const out = new Float32Array(2);
  normalsFromWords(Int32Array.of(0, 2 ** 30), out, 0, 2);
  expect(out[0]).toBe(Math.fround(Math.sqrt(66 * Math.LN2)));
  expect(out[0]).toBeGreaterThan(6.76);
});

test("an odd length leaves the last pair's second normal out", () => {
  const words = Int32Array.of(1, 2, 3, 4);
  const all = new Float32Array(4);
  normalsFromWords(words, all, 0, 4);
  const some = new Float32Array(6);
  normalsFromWords(words, some, 1, 3);
  expect([...some]).toEqual([0, ...all.subarray(0, 3), 0, 0]);
});
