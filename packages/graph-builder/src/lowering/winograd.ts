/**
 * The three products of a convolution of kernel 4, stride 2, pad 1 by Winograd's minimal filtering (Lavin & Gray 2016,
 * arXiv:1509.09308), with 9/16 of the multiplications.
 *
 * Each of the four phases of the large image (even and odd rows and columns) is a convolution of the small image by 2x2
 * of the 4x4 taps, and all four read the same windows: with a zero before and after x, row i of the even phase, which is
 * row 2i of the image, is w3 x[i] + w1 x[i + 1], and row i of the odd phase, row 2i - 1, is w2 x[i] + w0 x[i + 1].
 * F(3,2), at the points 0, 1, -1 and infinity, makes three rows of a phase from four of x with four multiplications in
 * place of six; two axes and four phases then have 16 multiplications for 9 pixels of each phase in place of 36.
 *
 * Between the transforms tensors are [16 points, tiles * N, channels], and the products are batched MatMuls. Of the large
 * image the channels are those of all four phases. Each transform has its adjoint beside it, so that the same four
 * transforms serve all three products.
 */
import { type Dim, mulDims } from "../dim.js";
import { add, gather, matmul, padAll, reshape, transpose } from "../ops/index.js";
import { constant, type Tensor } from "../tensor.js";
import type { ImageGeometry, ProductForm } from "./products.js";

/** Rows of a tile that are read, of the small image. */
const READ = 4;
/** Rows of a tile that are made, of each phase. */
const MADE = 3;
const TAPS = 4;
/** Even and odd. */
const PHASES = 2;
const POINTS = READ ** 2;
const ALL_PHASES = PHASES ** 2;
const ALL_TAPS = TAPS ** 2;

type Matrix = readonly (readonly number[])[];

/** From four rows of x to the four points. */
const READ_TO_POINTS: Matrix = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, -1, 0, 1],
];
/** From the two taps of a phase to the four points. */
const TAPS_TO_POINTS: Matrix = [
  [1, 0],
  [0.5, 0.5],
  [0.5, -0.5],
  [0, 1],
];
/** From the four points to three rows of a phase. */
const POINTS_TO_MADE: Matrix = [
  [1, 1, 1, 0],
  [0, 1, -1, 0],
  [0, 1, 1, 1],
];

const transposed = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));

/** A matrix along both axes of a tile: its Kronecker product with itself. */
const alongBoth = (m: Matrix): Matrix =>
  m.flatMap((r) => m.map((s) => r.flatMap((a) => s.map((b) => a * b))));

const READ_TILE_TO_POINTS = alongBoth(READ_TO_POINTS);
const POINTS_TO_MADE_TILE = alongBoth(POINTS_TO_MADE);

/** From the taps (ky, kx) to points and phases: of phase p the two taps along an axis are 3 - p and 1 - p. */
const KERNEL_TO_POINTS: Matrix = TAPS_TO_POINTS.flatMap((down) =>
  TAPS_TO_POINTS.flatMap((across) =>
    phases().map(([p, q]) =>
      Array.from({ length: ALL_TAPS }, (_, tap) => {
        const [ky, kx] = [Math.floor(tap / TAPS), tap % TAPS];
        return (down[(3 - p - ky) / 2] ?? 0) * (across[(3 - q - kx) / 2] ?? 0);
      }),
    ),
  ),
);

function phases(): [p: number, q: number][] {
  return Array.from({ length: ALL_PHASES }, (_, i) => [Math.floor(i / PHASES), i % PHASES]);
}

/** From here on the transforms cost less than the multiplications that they save (measured at batch 16). */
const LEAST_SIZE = 8;
const LEAST_CHANNELS = 32;

/** Whether these products apply, and are worth it. `channels` are those of the large side, `filters` of the small. */
export function hasWinograd(
  { kernel, stride, pad, small }: ImageGeometry,
  channels: Dim,
  filters: Dim,
): boolean {
  const fits = kernel.every((k) => k === TAPS) && stride === PHASES && pad === 1;
  const isWide = [channels, filters].every((n) => typeof n === "number" && n >= LEAST_CHANNELS);
  return fits && isWide && Math.min(...small) >= LEAST_SIZE;
}

/** Transforms and batched MatMuls. */
export const winograd: ProductForm = {
  correlate(x, weight, g, bias) {
    const product = matmul(largeToPoints(x, g), transpose(kernelToPoints(weight), [0, 2, 1]));
    const value = pointsToSmall(product, x.shape[0]!, g);
    return bias ? add(value, bias) : value;
  },
  scatter: (y, weight, g) =>
    pointsToLarge(matmul(smallToPoints(y, g), kernelToPoints(weight)), y.shape[0]!, g),
  outer: (x, y, g) => pointsToKernel(matmul(transpose(smallToPoints(y, g), [0, 2, 1]), largeToPoints(x, g))),
};

/** [N,h,w,O] -> [16, tiles * N, O] */
function smallToPoints(y: Tensor, g: ImageGeometry): Tensor {
  const [batch, , , filters] = y.shape as [Dim, Dim, Dim, Dim];
  const [h, w] = g.small;
  const outside = h * w;
  const indices = tilePixels(READ, g).map(({ row, column }) => {
    const [yy, x] = [row - 1, column - 1];
    return isInside(yy, h) && isInside(x, w) ? yy * w + x : outside;
  });
  const tiles = gather(transpose(withZero(y), [1, 0, 2]), ints(indices), 0);
  return transformed(READ_TILE_TO_POINTS, tiles, [POINTS, mulDims(tilesOf(g), batch), filters]);
}

/** The adjoint of `smallToPoints`: where tiles overlap, their pixels are added. */
function pointsToSmall(points: Tensor, batch: Dim, g: ImageGeometry): Tensor {
  const filters = points.shape[2]!;
  const tiles = tilesOf(g);
  const [h, w] = g.small;
  // One more row, of zeros, for pixels that lie in one tile alone.
  const matrix = [...transposed(READ_TILE_TO_POINTS), Array<number>(POINTS).fill(0)];
  const pixels = transformed(matrix, points, [(POINTS + 1) * tiles, batch, filters]);
  const zero = POINTS * tiles;
  const along = (at: number) => {
    const [tile, row] = [Math.floor(at / MADE), at % MADE];
    return [{ tile, row }, row === 0 && tile > 0 ? { tile: tile - 1, row: MADE } : undefined];
  };
  const terms = phases().map(([i, j]) =>
    rowsAndColumns(h, w).map(([y, x]) => {
      const [down, across] = [along(y + 1)[i], along(x + 1)[j]];
      if (!down || !across) return zero;
      return (down.row * READ + across.row) * tiles + down.tile * tilesAlong(w) + across.tile;
    }),
  );
  const sum = terms.map((indices) => gather(pixels, ints(indices), 0)).reduce((a, b) => add(a, b));
  return reshape(transpose(sum, [1, 0, 2]), [batch, h, w, filters]);
}

/** [16, tiles * N, 4 C] -> [N,H,W,C] */
function pointsToLarge(points: Tensor, batch: Dim, g: ImageGeometry): Tensor {
  const wide = points.shape[2] as number;
  const tiles = tilesOf(g);
  const [height, width] = g.large;
  const made = transformed(POINTS_TO_MADE_TILE, points, [MADE ** 2 * tiles, batch, wide]);
  const pixels = reshape(transpose(made, [1, 0, 2]), [
    batch,
    MADE ** 2 * tiles * ALL_PHASES,
    wide / ALL_PHASES,
  ]);
  const indices = rowsAndColumns(height, width).map(([y, x]) => {
    const [i, j] = [Math.ceil(y / PHASES), Math.ceil(x / PHASES)];
    const tile = Math.floor(i / MADE) * tilesAlong(g.small[1]) + Math.floor(j / MADE);
    const place = ((i % MADE) * MADE + (j % MADE)) * tiles + tile;
    return place * ALL_PHASES + (y % PHASES) * PHASES + (x % PHASES);
  });
  return reshape(gather(pixels, ints(indices), 1), [batch, height, width, wide / ALL_PHASES]);
}

/** The adjoint of `pointsToLarge`: [N,H,W,C] -> [16, tiles * N, 4 C] */
function largeToPoints(x: Tensor, g: ImageGeometry): Tensor {
  const [batch, , , channels] = x.shape as [Dim, Dim, Dim, number];
  const [height, width] = g.large;
  const outside = height * width;
  const indices = tilePixels(MADE, g).flatMap(({ row, column }) =>
    phases().map(([p, q]) => {
      const [y, xx] = [PHASES * row - p, PHASES * column - q];
      return isInside(y, height) && isInside(xx, width) ? y * width + xx : outside;
    }),
  );
  const wide = channels * ALL_PHASES;
  const pixels = reshape(gather(withZero(x), ints(indices), 1), [batch, MADE ** 2 * tilesOf(g), wide]);
  const made = transpose(pixels, [1, 0, 2]);
  return transformed(transposed(POINTS_TO_MADE_TILE), made, [POINTS, mulDims(tilesOf(g), batch), wide]);
}

/** [O, 16 C] -> [16, O, 4 C] */
function kernelToPoints(weight: Tensor): Tensor {
  const [filters, width] = weight.shape as [number, number];
  const channels = width / ALL_TAPS;
  const product = matmul(matrixOf(KERNEL_TO_POINTS), reshape(weight, [filters, ALL_TAPS, channels]));
  return transpose(reshape(product, [filters, POINTS, ALL_PHASES * channels]), [1, 0, 2]);
}

/** The adjoint of `kernelToPoints`. */
function pointsToKernel(points: Tensor): Tensor {
  const [, filters, wide] = points.shape as [number, number, number];
  const channels = wide / ALL_PHASES;
  const rows = reshape(transpose(points, [1, 0, 2]), [filters, POINTS * ALL_PHASES, channels]);
  const weight = matmul(matrixOf(transposed(KERNEL_TO_POINTS)), rows);
  return reshape(weight, [filters, ALL_TAPS * channels]);
}

/** A matrix times x, whose first axis is (or begins with) that of its columns, given another shape. */
function transformed(matrix: Matrix, x: Tensor, shape: readonly Dim[]): Tensor {
  const [leading, ...others] = x.shape as [number, ...Dim[]];
  const columns = matrix[0]!.length;
  const rows = reshape(x, [columns, others.reduce(mulDims, leading / columns)]);
  return reshape(matmul(matrixOf(matrix), rows), shape);
}

/** [N,H,W,C] -> [N, H*W + 1, C], the last pixel zero. */
function withZero(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, number, number, Dim];
  return padAll(reshape(x, [batch, height * width, channels]), [0, 0, 0, 0, 1, 0]);
}

const tilesAlong = (size: number): number => Math.ceil((size + 1) / MADE);

const tilesOf = ({ small: [h, w] }: ImageGeometry): number => tilesAlong(h) * tilesAlong(w);

/** Rows and columns of `size` x `size` pixels of each tile, all tiles of a pixel together. */
function tilePixels(size: number, { small: [h, w] }: ImageGeometry): { row: number; column: number }[] {
  return rowsAndColumns(size, size).flatMap(([a, b]) =>
    rowsAndColumns(tilesAlong(h), tilesAlong(w)).map(([i, j]) => ({
      row: MADE * i + a,
      column: MADE * j + b,
    })),
  );
}

function rowsAndColumns(height: number, width: number): [row: number, column: number][] {
  return Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
}

const isInside = (at: number, size: number): boolean => at >= 0 && at < size;

const matrixOf = (m: Matrix): Tensor => constant("float32", [m.length, m[0]!.length], m.flat());

const ints = (list: readonly number[]): Tensor => constant("int32", [list.length], list);
