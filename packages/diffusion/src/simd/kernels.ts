/**
 * philoxFill and normalsFromWords with WebAssembly's 128-bit vectors: the same arithmetic in the same order, so the
 * same bits, four counters and two pairs of words at a time. IEEE 754 fixes each of these operations in WebAssembly as
 * it does in JavaScript, and nothing is fused.
 */
import { COSINE, LOGARITHM, SINE, TWO_LN2 } from "../normal.js";
import { M0, M1, ROUNDS, W0, W1 } from "../philox.js";
import * as w from "./assembler.js";

/** Words are made and turned into normals in place, as many as stay in a first-level cache (16 KB). */
export const PAGE_WORDS = 4096;
const BYTES = 16;

/** Fills the page's first `count` words (rounded up to 16); parameters as of philoxFill. */
function philox(): w.Procedure {
  const [count, key0, key1, c0, c1, c2, c3, at] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
  const keys = 8;
  const [counter, x0, x1, x2, x3, high0, high1] = [28, 29, 30, 31, 32, 33, 34] as const;
  const constants = new w.Constants(38);
  const all = (value: number): w.Code => constants.lanes(value, value, value, value);
  const [m0, m1] = [all(M0), all(M1)];
  const halves = (x: number, m: w.Code, high: number, low: number): w.Code => {
    const [a, b] = [w.productsLow(w.get(x), m), w.productsHigh(w.get(x), m)];
    // Both products are left in `high` and `low` until their halves are picked out.
    return [
      ...w.set(high, a),
      ...w.set(spare, b),
      ...w.set(low, w.pick(w.get(high), w.get(spare), [0, 2, 4, 6])),
      ...w.set(high, w.pick(w.get(high), w.get(spare), [1, 3, 5, 7])),
    ];
  };
  const [spare, low0, low1] = [35, 36, 37] as const;
  const xor3 = (a: number, b: number, c: number) => w.xor(w.xor(w.get(a), w.get(b)), w.get(c));
  const round = (i: number): w.Code => [
    ...halves(x0, m0, high0, low0),
    ...halves(x2, m1, high1, low1),
    ...w.set(x0, xor3(high1, x1, keys + 2 * i)),
    ...w.set(x1, w.get(low1)),
    ...w.set(x2, xor3(high0, x3, keys + 2 * i + 1)),
    ...w.set(x3, w.get(low0)),
  ];
  const rounds = Array.from({ length: ROUNDS }, (_, i) => i);
  // Blocks lie in the lanes; written, they lie one after the other.
  const [t0, t1, t2, t3] = [high0, high1, low0, low1] as const;
  const turned: w.Code = [
    ...w.set(t0, w.pick(w.get(x0), w.get(x1), [0, 4, 1, 5])),
    ...w.set(t1, w.pick(w.get(x2), w.get(x3), [0, 4, 1, 5])),
    ...w.set(t2, w.pick(w.get(x0), w.get(x1), [2, 6, 3, 7])),
    ...w.set(t3, w.pick(w.get(x2), w.get(x3), [2, 6, 3, 7])),
  ];
  const write = (block: number, a: number, b: number, order: readonly [number, number, number, number]) =>
    w.store(w.get(at), block * BYTES, w.pick(w.get(a), w.get(b), order));
  const body: w.Code = [
    ...rounds.flatMap((i) => [
      ...w.set(keys + 2 * i, w.splat(w.addI32(w.get(key0), w.i32(Math.imul(i, W0))))),
      ...w.set(keys + 2 * i + 1, w.splat(w.addI32(w.get(key1), w.i32(Math.imul(i, W1))))),
    ]),
    ...w.set(counter, w.addI32x4(w.splat(w.get(c0)), constants.lanes(0, 1, 2, 3))),
    ...w.loop(
      [
        ...w.set(x0, w.get(counter)),
        ...w.set(x1, w.splat(w.get(c1))),
        ...w.set(x2, w.splat(w.get(c2))),
        ...w.set(x3, w.splat(w.get(c3))),
        ...rounds.flatMap(round),
        ...turned,
        ...write(0, t0, t1, [0, 1, 4, 5]),
        ...write(1, t0, t1, [2, 3, 6, 7]),
        ...write(2, t2, t3, [0, 1, 4, 5]),
        ...write(3, t2, t3, [2, 3, 6, 7]),
        ...w.set(counter, w.addI32x4(w.get(counter), all(4))),
        ...w.set(at, w.addI32(w.get(at), w.i32(4 * BYTES))),
      ],
      w.less(w.get(at), w.get(count)),
    ),
  ];
  const vectors = 30 + constants.count;
  return { name: "philox", parameters: 7, integers: 1, vectors, body: [...constants.code, ...body] };
}

/** The mantissa from which m is halved: twice normal.ts's HALF_ROOT2, of a number in 2^31 .. 2^32 - 1. */
const ROOT2 = 0xb504f334 / 2 ** 31;
const EXPONENT_ONE = 1023n << 52n;
const MANTISSA = (1n << 52n) - 1n;
/** 2^52: its bits with a whole number below 2^52 in the mantissa are that number plus 2^52. */
const WHOLE = 2 ** 52;
const WHOLE_BITS = 1075n << 52n;

/**
 * Turns the page's first `count` words (rounded up to 8) into normals, in place. Two vectors of words at a time, their
 * instructions in turns: the processor waits for the root and the quotient of one while it works on the other.
 */
function normals(): w.Procedure {
  const [count, at] = [0, 1] as const;
  const constants = new w.Constants(2 + 2 * LOCALS);
  const groups = [0, 1].map((group) => pairs(group, at, constants));
  const body = w.loop(
    [
      ...groups[0]!.flatMap((code, i) => [...code, ...groups[1]![i]!]),
      ...w.set(at, w.addI32(w.get(at), w.i32(2 * BYTES))),
    ],
    w.less(w.get(at), w.get(count)),
  );
  const vectors = 2 * LOCALS + constants.count;
  return { name: "normals", parameters: 1, integers: 1, vectors, body: [...constants.code, ...body] };
}

/** Locals of a vector of words on its way. */
const LOCALS = 11;

/** normalsFromWords for the two pairs of a vector of words, statement by statement. */
function pairs(group: number, at: number, { f64, i64, lanes }: w.Constants): w.Code[] {
  const [words, bits, a, above, k, m, s, z, h, f, g] = Array.from(
    { length: LOCALS },
    (_, i) => 2 + group * LOCALS + i,
  ) as [number, number, number, number, number, number, number, number, number, number, number];
  const [one, x, both] = [f64(1), w.get(a), w.get(words)];
  const mantissa = (of: w.Code): w.Code => w.or(w.and(of, i64(MANTISSA)), i64(EXPONENT_ONE));
  const seconds = w.pick(both, both, [1, 3, 1, 3]);
  const half = 0x7fffffff;
  const horner = (z: w.Code, sum: number, coefficients: readonly number[]): w.Code[] =>
    coefficients
      .slice(0, -1)
      .reverse()
      .map((c, i) => w.set(sum, w.add(f64(c), w.mul(z, i === 0 ? f64(coefficients.at(-1)!) : w.get(sum)))));
  return [
    w.set(words, w.load(w.get(at), group * BYTES)),
    // a as float64, exactly: whether its mantissa is sqrt 2 or more. Zero has the mantissa 1.
    w.set(a, w.fromUint32(w.pick(both, both, [0, 2, 0, 2]))),
    w.set(above, w.greaterOrEqual(mantissa(x), f64(ROOT2))),
    // The exponent of a + 1/2 is that of a, and right for zero.
    w.set(bits, w.add(x, f64(0.5))),
    w.set(m, w.subI64x2(mantissa(w.get(bits)), w.and(w.get(above), i64(1n << 52n)))),
    w.set(s, w.div(w.sub(w.get(m), one), w.add(w.get(m), one))),
    w.set(k, w.addI64x2(w.subI64x2(i64(1055n), w.shiftRightI64x2(w.get(bits), 52)), w.get(above))),
    w.set(k, w.mul(w.sub(w.or(w.get(k), i64(WHOLE_BITS)), f64(WHOLE)), f64(TWO_LN2))),
    w.set(f, w.fromInt32(w.and(seconds, lanes(half, half, half, half)))),
    w.set(f, w.mul(w.sub(w.get(f), f64(1073741823.5)), f64(1 / 1073741824))),
    w.set(g, w.mul(w.get(f), w.get(f))),
    w.set(z, w.mul(w.get(s), w.get(s))),
    ...horner(w.get(z), h, LOGARITHM),
    w.set(h, w.sqrt(w.sub(w.get(k), w.mul(w.get(s), w.get(h))))),
    ...horner(w.get(g), m, COSINE),
    w.set(m, w.mul(w.mul(w.sub(one, w.get(f)), w.add(one, w.get(f))), w.get(m))),
    ...horner(w.get(g), s, SINE),
    w.set(s, w.mul(w.get(f), w.get(s))),
    w.set(h, w.xor(w.get(h), w.and(w.widen(seconds), i64(-(1n << 63n))))),
    w.set(m, w.mul(w.get(h), w.get(m))),
    w.set(s, w.mul(w.get(h), w.get(s))),
    w.store(w.get(at), group * BYTES, w.pick(w.toFloat32(w.get(m)), w.toFloat32(w.get(s)), [0, 4, 1, 5])),
  ];
}

/** The two procedures on a page of memory. Counts are in bytes, above 0. */
export interface Kernels {
  readonly words: Int32Array<ArrayBuffer>;
  readonly normals: Float32Array<ArrayBuffer>;
  /** Makes words, as philoxFill. */
  philox(bytes: number, key0: number, key1: number, c0: number, c1: number, c2: number, c3: number): void;
  /** Turns them into normals, in place. */
  toNormals(bytes: number): void;
}

/** What the kernels need of WebAssembly, of which not every library of types knows. */
interface Engine {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: Record<string, unknown> };
}

/** The kernels; undefined where there is no WebAssembly, it has no vectors, or a page's policy forbids it. */
export function createKernels(
  engine = (globalThis as { WebAssembly?: Engine }).WebAssembly,
): Kernels | undefined {
  if (engine === undefined) return undefined;
  try {
    const { exports } = new engine.Instance(new engine.Module(assemble()));
    const { buffer } = exports.memory as { buffer: ArrayBuffer };
    return {
      words: new Int32Array(buffer, 0, PAGE_WORDS),
      normals: new Float32Array(buffer, 0, PAGE_WORDS),
      philox: exports.philox as Kernels["philox"],
      toNormals: exports.normals as Kernels["toNormals"],
    };
  } catch {
    return undefined;
  }
}

/** The module's bytes. */
export const assemble = (): Uint8Array<ArrayBuffer> => w.assemble([philox(), normals()]);
