/**
 * Philox4x32-10: a random function of (key, counter), 128 bits out for 128 bits in. No state, so any part of any
 * sequence can be computed alone, in any order, by anyone who knows the key.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 5.3;
 * constants and known answers from Random123's `philox.h` and `kat_vectors`.
 *
 * Integer operations only, so every engine gives the same bits. A 32x32 -> 64 bit product is four 16-bit products,
 * written out: a helper that returned two numbers would have to allocate.
 */

// The multipliers, whole for the low half of a product and in 16-bit halves for the high half.
export const M0 = 0xd2511f53;
const M0_HIGH = 0xd251;
const M0_LOW = 0x1f53;
export const M1 = 0xcd9e8d57;
const M1_HIGH = 0xcd9e;
const M1_LOW = 0x8d57;
/** The key grows by these each round: the golden ratio and sqrt(3) - 1, as 32-bit fractions. */
export const W0 = 0x9e3779b9;
export const W1 = 0xbb67ae85;
export const ROUNDS = 10;

/** Words that one counter gives. */
export const PHILOX_WORDS = 4;

/**
 * Fills `out` with the words of consecutive counters: out[4 b + j], b < blocks, is word j of the counter
 * (`c0 + b` mod 2^32, c1, c2, c3). All numbers are taken modulo 2^32. Nothing is allocated.
 *
 * @param out the words go here, from `out[0]` on; at least 4 * blocks long.
 * @param key0 key word 0, and `key1` key word 1.
 * @param c0 word 0 of the first counter, the one that counts upwards; `c1`, `c2`, `c3` are the others.
 */
export function philoxFill(
  out: Uint32Array | Int32Array,
  blocks: number,
  key0: number,
  key1: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
): void {
  const words = blocks * PHILOX_WORDS;
  let counter = c0 | 0;
  for (let at = 0; at < words; at += PHILOX_WORDS) {
    let x0 = counter;
    let x1 = c1 | 0;
    let x2 = c2 | 0;
    let x3 = c3 | 0;
    let k0 = key0 | 0;
    let k1 = key1 | 0;
    for (let round = 0; round < ROUNDS; round++) {
      // high 32 bits of M0 * x0: no sum below exceeds 2^32 - 1, so `>>>` always reads a true unsigned value
      const a = x0 & 0xffff;
      const b = x0 >>> 16;
      const t0 = (Math.imul(b, M0_LOW) + (Math.imul(a, M0_LOW) >>> 16)) | 0;
      const u0 = (Math.imul(a, M0_HIGH) + (t0 & 0xffff)) | 0;
      const high0 = (Math.imul(b, M0_HIGH) + (t0 >>> 16) + (u0 >>> 16)) | 0;
      const low0 = Math.imul(x0, M0);
      // the same for M1 * x2
      const c = x2 & 0xffff;
      const d = x2 >>> 16;
      const t1 = (Math.imul(d, M1_LOW) + (Math.imul(c, M1_LOW) >>> 16)) | 0;
      const u1 = (Math.imul(c, M1_HIGH) + (t1 & 0xffff)) | 0;
      const high1 = (Math.imul(d, M1_HIGH) + (t1 >>> 16) + (u1 >>> 16)) | 0;
      const low1 = Math.imul(x2, M1);

      x0 = high1 ^ x1 ^ k0;
      x1 = low1;
      x2 = high0 ^ x3 ^ k1;
      x3 = low0;
      k0 = (k0 + W0) | 0;
      k1 = (k1 + W1) | 0;
    }
    out[at] = x0;
    out[at + 1] = x1;
    out[at + 2] = x2;
    out[at + 3] = x3;
    counter = (counter + 1) | 0;
  }
}
