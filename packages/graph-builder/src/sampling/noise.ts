/** The noise of packages/diffusion (philox.ts, normal.ts, image-noise.ts) as graph nodes, bit for bit. */
import { PURPOSES } from "@onnx-diffusion/diffusion";
import {
  add,
  bitwiseAnd,
  bitwiseXor,
  cast,
  concat,
  div,
  greaterOrEqual,
  less,
  mul,
  range,
  reshape,
  shapeOf,
  shiftRight,
  sliceAxis,
  sqrt,
  sub,
  unsqueeze,
  where,
} from "../ops/index.js";
import { scalar, type Tensor } from "../tensor.js";

/** Which noise, of which images. */
export interface ImageNoise {
  /** int64 scalar in 0..2^53 - 1. */
  readonly seed: Tensor;
  readonly purpose: "sampleInitial" | "sampleStep";
  /** int64 scalar: the sampler's row, 0 for `sampleInitial`. */
  readonly row: Tensor;
  /** The first axis of this tensor is as long as there are images. */
  readonly batch: Tensor;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

const WORD = 0xffffffff;
const int64 = (value: number): Tensor => scalar(value, "int64");
const low = (x: Tensor): Tensor => bitwiseAnd(x, int64(WORD));
/** ONNX shifts unsigned numbers only; the product of two words fills all 64 bits. */
const high = (x: Tensor): Tensor => cast(shiftRight(cast(x, "uint64"), cast(int64(32), "uint64")), "int64");

/**
 * Standard normals, those of `fillImageNoise` with the first image 0: float32 [N,C,H,W]. Needs a runtime with integers of
 * 64 bits that wrap, and with float64.
 */
export function imageNoise({ seed, purpose, row, batch, channels, height, width }: ImageNoise): Tensor {
  const size = channels * height * width;
  const images = range(int64(0), reshape(shapeOf(batch, { start: 0, end: 1 }), []));
  const index = unsqueeze(add(mul(images, int64(65536)), row), [1]);
  const blocks = unsqueeze(range(int64(0), int64(Math.ceil(size / 4))), [0]);
  const words = philox(blocks, low(index), high(index), PURPOSES[purpose], low(seed), high(seed));
  const [x0, x1, x2, x3] = words.map((word) => unsqueeze(word, [2])) as [Tensor, Tensor, Tensor, Tensor];
  const pairs = normals(concat([x0, x2], 2), concat([x1, x3], 2));
  const all = concat(
    pairs.map((t) => unsqueeze(t, [3])),
    3,
  );
  const flat = reshape(all, [...all.shape.slice(0, 1), 4 * Math.ceil(size / 4)]);
  return reshape(sliceAxis(flat, 1, 0, size), [flat.shape[0]!, channels, height, width]);
}

/** Four words of 32 bits, in int64, for each counter (x0, x1, x2, x3). */
function philox(x0: Tensor, x1: Tensor, x2: Tensor, purpose: number, key0: Tensor, key1: Tensor) {
  let x: readonly [Tensor, Tensor, Tensor, Tensor] = [x0, x1, x2, int64(purpose)];
  let [k0, k1] = [key0, key1];
  for (let round = 0; round < 10; round++) {
    const [p0, p1] = [mul(x[0], int64(0xd2511f53)), mul(x[2], int64(0xcd9e8d57))];
    x = [
      bitwiseXor(bitwiseXor(high(p1), x[1]), k0),
      low(p1),
      bitwiseXor(bitwiseXor(high(p0), x[3]), k1),
      low(p0),
    ];
    k0 = low(add(k0, int64(0x9e3779b9)));
    k1 = low(add(k1, int64(0xbb67ae85)));
  }
  return x;
}

// The coefficients of normal.ts.
const L = [
  1.0000000000041798, 0.3333333262373747, 0.20000192337185843, 0.14267525468894596, 0.11808180325285564,
].map((c) => 4 * c);
const S = [
  1.5707963267680658, -0.6459640955741239, 0.07969260368557103, -0.004681657707268777, 0.00016025459023028514,
  -0.0000034317889901890023,
];
const C = [
  0.9999999999970073, -0.2337005499206642, 0.019968955248776954, -0.0008945122465685292,
  0.000024716479435840907, -4.4616349935488114e-7,
];
/** The mantissa, of 2^31..2^32, from which m is not doubled: sqrt 2 * 2^31. */
const ROOT2 = 2 * 0x5a82799a;

const polynomial = ([first, ...rest]: readonly number[], z: Tensor): Tensor =>
  rest.length === 0 ? scalar(first!, "float64") : add(mul(z, polynomial(rest, z)), scalar(first!, "float64"));

/** Two normals, float32, from words a and b by Box and Muller, as normal.ts has it. */
function normals(a: Tensor, b: Tensor): readonly [Tensor, Tensor] {
  const word = cast(a, "float64");
  // leading zeros: powers of two by which the word is scaled until its highest bit is bit 31
  let [mantissa, scale, zeros] = [word, scalar(1, "float64"), scalar(0, "float64")];
  for (const shift of [16, 8, 4, 2, 1, 1]) {
    const isSmall = less(mantissa, 2 ** (32 - shift));
    mantissa = where(isSmall, mul(mantissa, 2 ** shift), mantissa);
    scale = where(isSmall, mul(scale, 2 ** shift), scale);
    zeros = where(isSmall, add(zeros, shift), zeros);
  }
  const above = greaterOrEqual(mantissa, ROOT2);
  const k = where(above, zeros, add(zeros, 1));
  const m = mul(mul(add(word, 0.5), mul(scale, 2 ** -32)), where(above, scalar(1, "float64"), 2));
  const s = div(sub(m, 1), add(m, 1));
  const r = sqrt(sub(mul(k, 1.3862943611198906), mul(s, polynomial(L, mul(s, s)))));
  const h = where(greaterOrEqual(b, int64(2 ** 31)), mul(r, -1), r);
  const f = mul(sub(cast(bitwiseAnd(b, int64(0x7fffffff)), "float64"), 1073741823.5), 1 / 1073741824);
  const g = mul(f, f);
  const cosine = mul(h, mul(mul(sub(1, f), add(f, 1)), polynomial(C, g)));
  const sine = mul(h, mul(f, polynomial(S, g)));
  return [cast(cosine, "float32"), cast(sine, "float32")];
}
