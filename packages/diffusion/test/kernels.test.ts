import { expect, test } from "vitest";
import { normalsFromWords } from "../src/normal.js";
import { philoxFill } from "../src/philox.js";
import { assemble, createKernels, type Kernels, PAGE_WORDS } from "../src/simd/kernels.js";
import { fillNormals, fillNormalsPlainly } from "../src/stream.js";

const kernels = createKernels() as Kernels;
/** Where the bits of two lists differ first; -1 where they are the same. */
function firstDifference(a: Float32Array, b: Float32Array): number {
  const bits = (values: Float32Array) => new Int32Array(values.buffer, values.byteOffset, values.length);
  const [x, y] = [bits(a), bits(b)];
  return x.findIndex((word, i) => word !== y[i]);
}

function expectReference(words: Int32Array) {
  const expected = new Float32Array(words.length);
  normalsFromWords(words, expected, 0, words.length);
  kernels.words.set(words);
  kernels.toNormals(4 * words.length);
  expect(firstDifference(kernels.normals.slice(0, words.length), expected)).toBe(-1);
}

test("Node has vectors", () => {
  expect(kernels).toBeDefined();
});

test("the words are philoxFill's, for counters and keys that overflow too", () => {
  for (const [key0, key1, c0, c1, c2, c3] of [
    [0, 0, 0, 0, 0, 0],
    [0xffffffff, 0xffffffff, 0xfffffff9, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
  ] as const) {
    const expected = new Int32Array(256);
    philoxFill(expected, 64, key0, key1, c0, c1, c2, c3);
    kernels.philox(4 * 256, key0, key1, c0, c1, c2, c3);
    expect(kernels.words.slice(0, 256)).toEqual(expected);
  }
});

test("normals have the reference's bits where a formula changes over", () => {
  // Halvings of 2^32 sqrt 2 are where the mantissa is halved; powers of two where the exponent changes.
  const roots = Array.from({ length: 33 }, (_, j) => Math.floor(Math.SQRT2 * 2 ** j));
  const powers = Array.from({ length: 33 }, (_, j) => 2 ** j);
  const edges = [...roots, ...powers].flatMap((x) => [x - 1, x, x + 1]).filter((x) => x >= 0 && x < 2 ** 32);
  const pairs = edges.flatMap((a) => edges.map((b) => [a, b])).flat();
  for (let at = 0; at < pairs.length; at += PAGE_WORDS)
    expectReference(Int32Array.from(pairs.slice(at, at + PAGE_WORDS), (x) => x | 0));
});

test.each([1, 2, 3, 15, 16, 17, PAGE_WORDS - 1, PAGE_WORDS, PAGE_WORDS + 5, 100_000])(
  "%i normals of a stream have the reference's bits",
  (length) => {
    const stream = { seed: 2 ** 40 + 7, purpose: "noise", index: 2 ** 33 + length } as const;
    const [fast, plain] = [new Float32Array(length + 2), new Float32Array(length + 2)];
    fillNormals(fast.subarray(1, -1), stream);
    fillNormalsPlainly(plain.subarray(1, -1), stream);
    expect(firstDifference(fast, plain)).toBe(-1);
  },
);

test("without vectors there are no kernels, and the module is small enough to be compiled on a page's main thread", () => {
  expect(createKernels(undefined)).toBeDefined(); // the default
  const refused = class {
    constructor() {
      throw new Error("refused by the page's policy");
    }
  } as never;
  expect(createKernels({ Module: refused, Instance: refused })).toBeUndefined();
  // Chrome's former limit.
  expect(assemble().length).toBeLessThan(4096);
});
