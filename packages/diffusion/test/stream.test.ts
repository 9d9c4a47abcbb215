import fc from "fast-check";
import { expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { fillInts, fillNormals, fillUniform, PURPOSES, permutation, type Stream } from "../src/stream.js";

const INT32_LOW = -(2 ** 31);

const hex = (values: Float32Array<ArrayBuffer>): string =>
  [...new Uint32Array(values.buffer)].map((word) => word.toString(16).padStart(8, "0")).join(" ");

const normals = (length: number, stream: Stream): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(length);
  fillNormals(out, stream);
  return out;
};

const ints = (length: number, low: number, high: number, stream: Stream): Int32Array<ArrayBuffer> => {
  const out = new Int32Array(length);
  fillInts(out, low, high, stream);
  return out;
};

const fnv1a = (words: Uint32Array): string =>
  words.reduce((hash, word) => Math.imul(hash ^ word, 0x01000193) >>> 0, 0x811c9dc5).toString(16);

/** Printed by reference/streams.py, which knows only the description of the mapping. Frozen: seeds must keep their meaning. */
const KNOWN_ANSWERS = [
  {
    stream: { seed: 0, purpose: "noise", index: 0 },
    normals: "bf306d7b bffd1894 3caf0079 bf9e2ff4 bfe453f2 bf3b217d 3e537b40 3f00c57c",
    uniforms: "bf46d56f 3f64abdf bd8bd982 bf7e9771",
    timesteps: [45, 379, 187, 2, 63, 325, 346, 176, 202, 187, 277, 204, 285, 110, 130, 247],
    rejecting: [
      -1787824504, 901804993, -21080874, -1322672509, -1645102496, 467821208, 631052948, -736603355,
      -605979639, 807330925, 81216133, -506521547,
    ],
    order: [4, 2, 1, 7, 9, 3, 11, 10, 5, 8, 0, 6],
  },
  {
    stream: { seed: 1234567890123456, purpose: "sampleInitial", index: 9876543210987 },
    normals: "bf146a26 bd4a31f6 be744ae3 bee0efd4 bf3bf8ce c015ddf9 403822cd bf5a3c4b",
    uniforms: "3f30458c 3f06ebfa 3f43dafc 3f57765b",
    timesteps: [338, 306, 354, 369, 20, 381, 5, 82, 294, 55, 15, 192, 353, 347, 51, 316],
    rejecting: [
      -868472403, 163320520, -1855941854, 818700803, -1988908570, 917963666, -2111780719, -1489856023,
      213175296, -1352094949, -2027497213, 337858094,
    ],
    order: [10, 9, 2, 3, 0, 11, 8, 1, 4, 7, 6, 5],
  },
] as const;

test.each(KNOWN_ANSWERS)("known answers of seed $stream.seed", (answers) => {
  const { stream } = answers;
  expect(hex(normals(8, stream))).toBe(answers.normals);
  const uniforms = new Float32Array(4);
  fillUniform(uniforms, -1, 1, stream);
  expect(hex(uniforms)).toBe(answers.uniforms);
  expect([...ints(16, 1, 400, stream)]).toEqual(answers.timesteps);
  // of 3 * 2^30 values: a quarter of the words is rejected
  expect([...ints(12, INT32_LOW, 2 ** 30 - 1, stream)]).toEqual(answers.rejecting);
  expect([...permutation(12, stream)]).toEqual(answers.order);
});

test("known hashes over several chunks, the last one odd", () => {
  const noise = normals(20001, { seed: 2024, purpose: "noise", index: 7 });
  expect(fnv1a(new Uint32Array(noise.buffer))).toBe("74c8046b");
  const timesteps = ints(20001, INT32_LOW, 2 ** 30 - 1, { seed: 2024, purpose: "timestep", index: 7 });
  expect(fnv1a(new Uint32Array(timesteps.buffer))).toBe("3eee3ee0");
});

const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const streams = fc.record({
  seed: safe,
  purpose: fc.constantFrom(...(Object.keys(PURPOSES) as (keyof typeof PURPOSES)[])),
  index: safe,
});

test("an element depends on its place alone, not on how many are filled", () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 0, max: 40 }), (stream, length) => {
      expect(normals(length, stream)).toEqual(normals(41, stream).subarray(0, length));
      const range = [INT32_LOW, 2 ** 30 - 1] as const;
      expect(ints(length, ...range, stream)).toEqual(ints(41, ...range, stream).subarray(0, length));
    }),
  );
});

test("streams of other seeds, purposes and indices share no normal", () => {
  const high = 2 ** 32;
  const names = [0, 1, high, high + 1].flatMap((seed) =>
    (["permute", "noise"] as const).flatMap((purpose) =>
      [0, 1, high].map((index) => ({ seed, purpose, index })),
    ),
  );
  const all = names.flatMap((stream) => [...normals(64, stream)]);
  // 24 * 64 values among some 2^26 that are about as likely: 0.02 equal pairs expected by chance, none for these
  expect(new Set(all).size).toBe(all.length);
});

test("uniforms stay between the ends", () => {
  fc.assert(
    fc.property(
      streams,
      fc.float({ min: -8, max: 8, noNaN: true }),
      fc.float({ min: 0, max: 8, noNaN: true }),
      (stream, low, range) => {
        const high = Math.fround(low + range);
        const out = new Float32Array(64);
        fillUniform(out, low, high, stream);
        for (const x of out) expect(x >= low && x <= high).toBe(true);
      },
    ),
  );
});

test("integers of the smallest and the largest range", () => {
  const stream: Stream = { seed: 3, purpose: "timestep", index: 0 };
  expect([...ints(5, 7, 7, stream)]).toEqual([7, 7, 7, 7, 7]);
  const wide = ints(1000, INT32_LOW, 2 ** 31 - 1, stream);
  expect(wide.some((x) => x < -(2 ** 30)) && wide.some((x) => x >= 2 ** 30)).toBe(true);
});

test("a permutation holds each number once", () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 0, max: 300 }), (stream, count) => {
      const sorted = permutation(count, stream).sort();
      expect([...sorted]).toEqual(Array.from({ length: count }, (_, i) => i));
    }),
  );
});

test("the numbers of the purposes are frozen and distinct, below 256", () => {
  expect(PURPOSES).toEqual({
    initialise: 1,
    permute: 2,
    timestep: 3,
    noise: 4,
    sampleInitial: 5,
    sampleStep: 6,
    sampleLabel: 7,
    evaluationTimestep: 8,
    evaluationNoise: 9,
  });
});

test.each([
  [-1, 0, "seed: found -1, expected an integer in 0..9007199254740991"],
  [0.5, 0, "seed: found 0.5, expected an integer in 0..9007199254740991"],
  [
    0,
    2 ** 53,
    'index of the random stream "noise": found 9007199254740992, expected an integer in 0..9007199254740991',
  ],
])("seed %d, index %d", (seed, index, message) => {
  expect(() => normals(1, { seed, purpose: "noise", index })).toThrow(new UserError(message));
});

test("a range that is none", () => {
  const stream: Stream = { seed: 3, purpose: "timestep", index: 0 };
  expect(() => ints(1, 2, 1, stream)).toThrow(
    "random integers: found the range 2..1, expected int32 with low <= high",
  );
  expect(() => ints(1, 0, 2 ** 31, stream)).toThrow("expected int32 with low <= high");
  expect(() => permutation(-1, stream)).toThrow("permutation: found the count -1");
});
