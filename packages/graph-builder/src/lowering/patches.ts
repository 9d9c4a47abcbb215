/** The three products of a convolution as gathered patches and one Gemm each, for any geometry. */
import { type Dim, mulDims } from "../dim.js";
import { add, gather, gemm, padAll, reshape, transpose } from "../ops/index.js";
import type { WeightLayout } from "../params.js";
import { constant, type Tensor } from "../tensor.js";
import type { ConvGeometry } from "./lowering.js";
import type { ImageGeometry, ProductForm } from "./products.js";

/** [O,C,kh,kw] <-> [O, kh*kw*C]: a row holds a filter in the order of a patch (ky, kx, channel). */
const weightLayout: WeightLayout = {
  toKernel(weight) {
    const [o, c, kh, kw] = weight.shape as [number, number, number, number];
    return reshape(transpose(reshape(weight, [o, c, kh * kw]), [0, 2, 1]), [o, kh * kw * c]);
  },
  fromKernel(kernel, shape) {
    const [o, c, kh, kw] = shape as [number, number, number, number];
    return reshape(transpose(reshape(kernel, [o, kh * kw, c]), [0, 2, 1]), [o, c, kh, kw]);
  },
};

/** Patches and Gemm. */
export const patches: ProductForm = { weightLayout, correlate, scatter, outer };

/** The same, but a convolution is weights times patches. */
export const patchesTransposed: ProductForm = { ...patches, correlate: correlateTransposed };

/** Whether a patch is a pixel. */
export const isPointwise = ({ kernel: [kh, kw], stride, pad }: ConvGeometry): boolean =>
  kh === 1 && kw === 1 && stride === 1 && pad === 0;

/** The patches that a convolution multiplies: [N,H,W,C] -> [N*h*w, kh*kw*C]. */
function unfold(x: Tensor, g: ImageGeometry): Tensor {
  const [batch, , , channels] = x.shape as [Dim, Dim, Dim, Dim];
  const [kh, kw] = g.kernel;
  const [h, w] = g.small;
  const rows = mulDims(batch, h * w);
  const width = mulDims(channels, kh * kw);
  if (isPointwise(g)) return reshape(x, [rows, width]);
  const padded = padAll(x, [0, g.pad, g.pad, 0, 0, g.pad, g.pad, 0]);
  const [height, lineLength] = [g.large[0] + 2 * g.pad, g.large[1] + 2 * g.pad];
  // Neighbouring pixels that always travel together are copied as one run.
  const run = lineLength % g.stride === 0 && kw % g.stride === 0 ? g.stride : 1;
  const indices: number[] = [];
  for (let y = 0; y < h; y++) {
    for (let xx = 0; xx < w; xx++) {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx += run)
          indices.push(((y * g.stride + ky) * lineLength + xx * g.stride + kx) / run);
      }
    }
  }
  const runs = reshape(padded, [batch, (height * lineLength) / run, mulDims(channels, run)]);
  return reshape(gather(runs, constant("int32", [indices.length], indices), 1), [rows, width]);
}

/** Patches times weights. */
function correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor {
  const product = gemm(unfold(x, g), weight, { transB: 1, ...(bias ? { c: bias } : {}) });
  return reshape(product, [x.shape[0]!, ...g.small, weight.shape[0]!]);
}

/**
 * Weights times patches, with the result turned: where patches are many, MLAS packs each once and works on it while it is in
 * the cache, where it would read all of them for each block of columns.
 */
function correlateTransposed(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor {
  const [o] = weight.shape as [Dim];
  const [batch] = x.shape as [Dim];
  const c = bias && reshape(bias, [o, 1]);
  const product = gemm(weight, unfold(x, g), { transB: 1, ...(c ? { c } : {}) });
  const pixels = g.small[0] * g.small[1];
  return reshape(transpose(reshape(product, [o, batch, pixels]), [1, 2, 0]), [batch, ...g.small, o]);
}

/** Columns of the small side times patches of the large one. */
function outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor {
  return gemm(asColumns(y), unfold(x, g));
}

/**
 * Each small pixel gives a patch to the large side (one Gemm); each large pixel gathers its patches' parts and adds
 * them up. What lies outside is read from one pixel of zeros that is appended to each image before the Gemm.
 */
function scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor {
  const [batch, , , o] = y.shape as [Dim, Dim, Dim, Dim];
  const [kh, kw] = g.kernel;
  const [h, w] = g.small;
  const taps = kh * kw;
  const { channels } = g;
  if (isPointwise(g)) {
    return reshape(gemm(asRows(y), weight), [batch, ...g.large, channels]);
  }
  const pixels = h * w + 1;
  const withZero = padAll(reshape(y, [batch, h * w, o]), [0, 0, 0, 0, 1, 0]);
  const product = gemm(reshape(withZero, [mulDims(batch, pixels), o]), weight);
  const parts = reshape(product, [batch, pixels * taps, channels]);
  const terms = contributions(g).map((indices) =>
    gather(parts, constant("int32", [indices.length], indices), 1),
  );
  const sum = terms.reduce((a, b) => add(a, b));
  return reshape(sum, [batch, ...g.large, channels]);
}

/** For each large pixel the parts (pixel * taps + tap) that add up to it: one list for each term of the sum. */
function contributions({
  kernel: [kh, kw],
  stride,
  pad,
  large: [H, W],
  small: [h, w],
}: ImageGeometry): number[][] {
  const along = (k: number, at: number, size: number) =>
    Array.from({ length: Math.ceil(k / stride) }, (_, j) => {
      const tap = ((at + pad) % stride) + j * stride;
      const pixel = (at + pad - tap) / stride;
      return tap < k && pixel >= 0 && pixel < size ? { tap, pixel } : undefined;
    });
  const terms = Array.from({ length: Math.ceil(kh / stride) * Math.ceil(kw / stride) }, (): number[] => []);
  const zero = h * w * kh * kw;
  for (let y = 0; y < H; y++) {
    const rows = along(kh, y, h);
    for (let x = 0; x < W; x++) {
      const columns = along(kw, x, w);
      rows.forEach((row, i) => {
        columns.forEach((column, j) => {
          const part =
            row && column ? (row.pixel * w + column.pixel) * kh * kw + row.tap * kw + column.tap : zero;
          terms[i * columns.length + j]!.push(part);
        });
      });
    }
  }
  return terms;
}

/**
 * [N,h,w,O] -> [O, N*h*w], moved and not left to the Gemm: MLAS turns a transposed first operand again for each block of
 * columns, which costs up to a third of the product's time.
 */
function asColumns(y: Tensor): Tensor {
  const [batch, h, w, o] = y.shape as [Dim, Dim, Dim, Dim];
  const pixels = mulDims(h, w);
  return reshape(transpose(reshape(y, [batch, pixels, o]), [2, 0, 1]), [o, mulDims(batch, pixels)]);
}

/** [N,h,w,O] -> [N*h*w, O] */
function asRows(y: Tensor): Tensor {
  return reshape(y, [y.shape.slice(0, -1).reduce(mulDims, 1 as Dim), y.shape.at(-1)!]);
}
