/**
 * Random numbers that are addressed, not drawn: a stream is named by (seed, purpose, index), and element i of what it
 * fills depends on that name and on i alone. So training resumes without any generator state, one image of a
 * batch can be recomputed alone, and two purposes never share a bit.
 *
 * The mapping, for other languages:
 * - key: (seed mod 2^32, floor(seed / 2^32));
 * - counter: (block, index mod 2^32, floor(index / 2^32), purpose + 256 * attempt);
 * - word i of a stream is word i mod 4 of Philox4x32-10 at block floor(i / 4), attempt 0;
 * - uniforms: low + (high - low) * ((word i + 1/2) / 2^32) in float64, then rounded to float32;
 * - integers in low..high: with n = high - low + 1 and the 64-bit product p = (word i) * n, the value is
 *   low + floor(p / 2^32), unless p mod 2^32 < 2^32 mod n: then the same with attempt 1, 2, ... This is the
 *   rejection of Lemire, "Fast random integer generation in an interval" (2019), without bias; a rejected element
 *   takes its next word from its own place, so no other element moves;
 * - normals: elements 2 j and 2 j + 1 from words 2 j and 2 j + 1 by the formulae of normal.ts;
 * - permutation of 0..n-1: start with the identity; for i = 1..n-1 swap places i and j, j the integer in 0..i
 *   of element i (Fisher and Yates).
 */

import { UserError } from "./errors.js";
import { normalsFromWords } from "./normal.js";
import { philoxFill } from "./philox.js";
import { createKernels, type Kernels, PAGE_WORDS } from "./simd/kernels.js";

/** What random numbers are for: each purpose has streams of its own. The numbers are frozen; new ones go below. */
export const PURPOSES = {
  /** Initial parameters; index: the tensor's place in the manifest's `state`. */
  initialise: 1,
  /** The order of the training images; index: the epoch. */
  permute: 2,
  /** Training timesteps of a batch; index: the step. */
  timestep: 3,
  /** Training noise of a batch; index: the step. */
  noise: 4,
  /** x_T of a sample; index: see {@link imageNoiseIndex}. */
  sampleInitial: 5,
  /** Fresh noise of a sampler's rows; index: see {@link imageNoiseIndex}. */
  sampleStep: 6,
  /** Class labels that are drawn, not asked for. */
  sampleLabel: 7,
  /** Timesteps of an evaluation; index: the batch. */
  evaluationTimestep: 8,
  /** Noise of an evaluation; index: the batch. */
  evaluationNoise: 9,
} as const;

/** The name of a purpose. */
export type Purpose = keyof typeof PURPOSES;

/** The name of an endless sequence of random words. */
export interface Stream {
  /** An integer in 0..2^53 - 1. */
  readonly seed: number;
  readonly purpose: Purpose;
  /** Which stream of that purpose: an integer in 0..2^53 - 1. */
  readonly index: number;
}

const TWO32 = 2 ** 32;
/** A rejected integer takes its next word under purpose + 256 * attempt. */
const ATTEMPT = 256;
/** Words made at a time: 16 KB stay in the first-level cache. A multiple of 4. */
const CHUNK = 4096;
const scratch = new Int32Array(CHUNK);

function checkSafe(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new UserError(`${what}: found ${value}, expected an integer in 0..${Number.MAX_SAFE_INTEGER}`);
}

/** Fills `out` with 4 * blocks words of a stream, from word 4 * first on. */
function fillWords(out: Int32Array, blocks: number, stream: Stream, first: number, attempt = 0): void {
  const { seed, index } = stream;
  const last = PURPOSES[stream.purpose] + ATTEMPT * attempt;
  philoxFill(out, blocks, seed, seed / TWO32, first, index, index / TWO32, last);
}

function checkStream(stream: Stream): void {
  checkSafe("seed", stream.seed);
  checkSafe(`index of the random stream "${stream.purpose}"`, stream.index);
}

/** Calls `use` with the stream's words, a chunk at a time: words[i] is word at + i. */
function eachChunk(
  length: number,
  stream: Stream,
  use: (words: Int32Array, at: number, count: number) => void,
): void {
  checkStream(stream);
  for (let at = 0; at < length; at += CHUNK) {
    const count = Math.min(CHUNK, length - at);
    fillWords(scratch, Math.ceil(count / 4), stream, at / 4);
    use(scratch, at, count);
  }
}

/**
 * Fills `out` with independent uniforms.
 *
 * @param low and `high`: the ends. Rounding to float32 may give an end itself.
 * @throws UserError if the seed or index is no safe non-negative integer.
 */
export function fillUniform(out: Float32Array, low: number, high: number, stream: Stream): void {
  const range = high - low;
  eachChunk(out.length, stream, (words, at, count) => {
    for (let i = 0; i < count; i++) out[at + i] = low + range * (((words[i]! >>> 0) + 0.5) / TWO32);
  });
}

let kernels: { readonly found: Kernels | undefined } | undefined;

/**
 * Fills `out` with independent standard normals, see normal.ts. The same bits with and without WebAssembly's vectors,
 * which are used where there are any.
 *
 * @throws UserError if the seed or index is no safe non-negative integer.
 */
export function fillNormals(out: Float32Array, stream: Stream): void {
  kernels ??= { found: createKernels() };
  const { found } = kernels;
  if (found) fillNormalsBy(found, out, stream);
  else fillNormalsPlainly(out, stream);
}

function fillNormalsBy({ philox, toNormals, normals }: Kernels, out: Float32Array, stream: Stream): void {
  checkStream(stream);
  const { seed, index } = stream;
  for (let at = 0; at < out.length; at += PAGE_WORDS) {
    const count = Math.min(PAGE_WORDS, out.length - at);
    philox(4 * count, seed, seed / TWO32, at / 4, index, index / TWO32, PURPOSES[stream.purpose]);
    toNormals(4 * count);
    out.set(count === PAGE_WORDS ? normals : normals.subarray(0, count), at);
  }
}

/** The reference: what `fillNormals` does where there are no vectors. */
export function fillNormalsPlainly(out: Float32Array, stream: Stream): void {
  eachChunk(out.length, stream, (words, at, count) => normalsFromWords(words, out, at, count));
}

/**
 * Fills `out` with independent integers, each of low, low + 1, ..., high equally likely, without modulo bias.
 *
 * @throws UserError if low and high are no int32, low > high, or the seed or index is no safe non-negative integer.
 */
export function fillInts(out: Int32Array, low: number, high: number, stream: Stream): void {
  if ((low | 0) !== low || (high | 0) !== high || low > high) {
    throw new UserError(`random integers: found the range ${low}..${high}, expected int32 with low <= high`);
  }
  const range = high - low + 1;
  const reject = TWO32 % range;
  eachChunk(out.length, stream, (words, at, count) => {
    for (let i = 0; i < count; i++) out[at + i] = low + bounded(words[i]!, range, reject, stream, at + i);
  });
}

/**
 * A random order of 0..count-1, each of the count! equally likely.
 *
 * @param count an integer in 0..2^32 - 1.
 * @throws UserError if the count is none, or the seed or index is no safe non-negative integer.
 */
export function permutation(count: number, stream: Stream): Uint32Array<ArrayBuffer> {
  if (count >>> 0 !== count) {
    throw new UserError(`permutation: found the count ${count}, expected an integer in 0..4294967295`);
  }
  const order = new Uint32Array(count);
  eachChunk(count, stream, (words, at, chunk) => {
    for (let i = 0; i < chunk; i++) {
      const here = at + i;
      const there = bounded(words[i]!, here + 1, TWO32 % (here + 1), stream, here);
      order[here] = order[there]!;
      order[there] = here;
    }
  });
  return order;
}

/**
 * The integer in 0..range-1 of element i, whose word of attempt 0 is given.
 *
 * @param reject 2^32 mod range: how many of the 2^32 products are too many.
 */
function bounded(word: number, range: number, reject: number, stream: Stream, i: number): number {
  let low = Math.imul(word, range) >>> 0;
  if (low >= reject) return multiplyHigh(word, range, low);
  const block = new Int32Array(4);
  for (let attempt = 1; ; attempt++) {
    fillWords(block, 1, stream, Math.floor(i / 4), attempt);
    const next = block[i % 4]!;
    low = Math.imul(next, range) >>> 0;
    if (low >= reject) return multiplyHigh(next, range, low);
  }
}

/**
 * floor(word * range / 2^32), word as uint32, range in 1..2^32; `low` is the product mod 2^32. The float64 product
 * is off by at most 2^10 in 2^64, so that what is left after taking `low` away is a whole multiple of 2^32 to 2^-22.
 */
function multiplyHigh(word: number, range: number, low: number): number {
  return Math.round(((word >>> 0) * range - low) / TWO32);
}
