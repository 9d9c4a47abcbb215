/**
 * Standard normals from random words, with + - * / sqrt and bit operations only. IEEE 754 fixes the result of each of
 * those; `Math.log`, `Math.sin` and `Math.cos` are left to the engine and do differ. So the same words give the
 * same bits in every JavaScript engine, and in any language that evaluates the formulae below in float64 in the
 * order written, without fused multiply-adds.
 *
 * Method: Box and Muller, "A note on the generation of random normal deviates" (1958). Two words (a, b) give two
 * normals; u, m, f, 1 - f and 1 + f are exact:
 *
 *     u = (a + 1/2) / 2^32                          in (0, 1)
 *     u = m * 2^-k,  1/sqrt 2 <= m < sqrt 2,        s = (m - 1) / (m + 1)
 *     r = sqrt(k * 2 ln 2 - s * L(s^2))             L(z) ~ 4 atanh(sqrt z) / sqrt z, so r = sqrt(-2 ln u)
 *     f = ((b mod 2^31) - 2^30 + 1/2) / 2^30        in (-1, 1): half a turn
 *     h = r, or -r where b >= 2^31                  the other half of the circle
 *     normal 0 = h * ((1 - f) * (1 + f) * C(f^2))   = h cos(pi f / 2)
 *     normal 1 = h * (f * S(f^2))                   = h sin(pi f / 2)
 *
 * each rounded to float32 at the end. L, S and C are polynomials interpolated at Chebyshev nodes, evaluated by
 * Horner's rule; their relative errors are below 5e-12, 3e-11 and 4e-12, so that a result differs from the exact
 * normal of its words by at most 0.501 units in the last place of float32.
 *
 * The largest normal is sqrt(-2 ln 2^-33) = 6.76; the chance of one beyond that would be 1.3e-11.
 * The straight line of arithmetic (one division, one square root, no branch) suits SIMD and graph operators: the
 * exponent k comes from counting leading zeros, or from five rounds of compare and scale where there is no such thing.
 */

// 4 atanh(sqrt z) / sqrt z on 0 <= z <= ((sqrt 2 - 1) / (sqrt 2 + 1))^2
const L0 = 4 * 1.0000000000041798;
const L1 = 4 * 0.3333333262373747;
const L2 = 4 * 0.20000192337185843;
const L3 = 4 * 0.14267525468894596;
const L4 = 4 * 0.11808180325285564;
// sin(pi f / 2) / f in f^2
const S0 = 1.5707963267680658;
const S1 = -0.6459640955741239;
const S2 = 0.07969260368557103;
const S3 = -0.004681657707268777;
const S4 = 0.00016025459023028514;
const S5 = -0.0000034317889901890023;
// cos(pi f / 2) / (1 - f^2) in f^2
const C0 = 0.9999999999970073;
const C1 = -0.2337005499206642;
const C2 = 0.019968955248776954;
const C3 = -0.0008945122465685292;
const C4 = 0.000024716479435840907;
const C5 = -4.4616349935488114e-7;

/** The polynomials L, S and C, constant term first. */
export const LOGARITHM: readonly number[] = [L0, L1, L2, L3, L4];
export const SINE: readonly number[] = [S0, S1, S2, S3, S4, S5];
export const COSINE: readonly number[] = [C0, C1, C2, C3, C4, C5];

export const TWO_LN2 = 1.3862943611198906;
/** sqrt 2 * 2^31, rounded up and halved: the mantissa from which one more halving brings m under sqrt 2. */
const HALF_ROOT2 = 0x5a82799a;
/** SCALE[k] * (a + 1/2) = m */
const SCALE = Float64Array.from({ length: 34 }, (_, k) => 2 ** (k - 32));

/**
 * Turns words into standard normals: out[at + i] for i < length comes from words[i & ~1] and words[i | 1].
 *
 * @param words independent uniform 32-bit words, `length` rounded up to an even number of them, as int32.
 * @param out the normals go here, from `out[at]` on.
 */
export function normalsFromWords(words: Int32Array, out: Float32Array, at: number, length: number): void {
  for (let i = 0; i < length; i += 2) {
    const a = words[i]!;
    const b = words[i + 1]!;

    const zeros = Math.clz32(a);
    // 1 where the mantissa is sqrt 2 or more; the shift by 32 that a = 0 would need is a shift by 0 on 0: 0 too
    const above = (((a << zeros) >>> 1) + (0x80000000 - HALF_ROOT2)) >>> 31;
    const k = zeros + 1 - above;
    const m = ((a >>> 0) + 0.5) * SCALE[k]!;
    const s = (m - 1) / (m + 1);
    const z = s * s;
    const r = Math.sqrt(k * TWO_LN2 - s * (L0 + z * (L1 + z * (L2 + z * (L3 + z * L4)))));
    const h = r * ((b >> 31) | 1);

    const f = ((b & 0x7fffffff) - 1073741823.5) * (1 / 1073741824);
    const g = f * f;
    out[at + i] = h * ((1 - f) * (1 + f) * (C0 + g * (C1 + g * (C2 + g * (C3 + g * (C4 + g * C5))))));
    if (i + 1 < length) {
      out[at + i + 1] = h * (f * (S0 + g * (S1 + g * (S2 + g * (S3 + g * (S4 + g * S5))))));
    }
  }
}
