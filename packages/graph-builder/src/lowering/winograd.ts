/**
 * The three products of a convolution of kernel 4, stride 2, pad 1 by Winograd's minimal filtering (Lavin & Gray 2016,
 * arXiv:1509.09308), with 25/64 of the multiplications.
 *
 * Each of the four phases of the large image (even and odd rows and columns) is the product of the small image and 2x2
 * of the 4x4 taps, as polynomials are multiplied: row 2u of the image is w1 y[u] + w3 y[u - 1], and row 2u - 1 is w0 y[u] +
 * w2 y[u - 1]. Four rows of y and two taps are multiplied by their values at five points (Toom and Cook), which gives
 * five rows of a phase by five multiplications in place of eight; the fifth row and the first of the next tile are added.
 * Two axes have 25 in place of 64, and tiles do not overlap on the small side, so that all four phases read the same values.
 *
 * Between the transforms tensors are [25 points, tiles * N, channels], and the products are batched MatMuls. Of the large
 * image the channels are those of all four phases.
 */
import { type Dim, mulDims } from "../dim.js";
import { add, gather, matmul, padAll, reshape, sliceAxis, transpose } from "../ops/index.js";
import type { WeightLayout } from "../params.js";
import { constant, type Tensor } from "../tensor.js";
import type { ImageGeometry, ProductForm } from "./products.js";

/** Rows of a tile, of the small image. */
const TILE = 4;
/** Points, and rows of each phase that a tile has a part in. */
const POINTS = TILE + 1;
const TAPS = 4;
/** Even and odd. */
const PHASES = 2;
const ALL_POINTS = POINTS ** 2;
const ALL_PHASES = PHASES ** 2;
const ALL_TAPS = TAPS ** 2;

type Matrix = readonly (readonly number[])[];

/**
 * Where polynomials are evaluated, besides infinity. Of the simple choices these lose the least: errors are about four times
 * those of plain products (measured with normal values; 0, 1, -1 and 2 have six times).
 */
const AT = [0, -1, 2, 1 / 2];

/** Values of a polynomial with that many coefficients at the points; at infinity it is the last coefficient. */
const evaluation = (coefficients: number): Matrix => [
  ...AT.map((at) => Array.from({ length: coefficients }, (_, k) => at ** k)),
  Array.from({ length: coefficients }, (_, k) => (k === coefficients - 1 ? 1 : 0)),
];

const TILE_TO_POINTS = evaluation(TILE);
const TAPS_TO_POINTS = evaluation(TAPS / PHASES);
/** From the points to the rows of a phase: Lagrange's interpolation of what is left of the term at infinity. */
const POINTS_TO_ROWS: Matrix = interpolation();

/** The inverse of `evaluation(POINTS)`. */
function interpolation(): Matrix {
  const times = (a: readonly number[], root: number) =>
    [...a, 0].map((_, k) => (a[k - 1] ?? 0) - root * (a[k] ?? 0));
  const others = AT.map((at) => AT.filter((other) => other !== at));
  const basis = AT.map((at, i) => {
    const scale = others[i]!.reduce((product, other) => product * (at - other), 1);
    return others[i]!.reduce((a, root) => times(a, root), [1]).map((a) => a / scale);
  });
  // The polynomial that is zero at all other points, with 1 for its last coefficient.
  const infinite = AT.reduce((a, root) => times(a, root), [1]);
  return infinite.map((last, k) => [...basis.map((column) => column[k] ?? 0), last]);
}

const transposed = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));

/** Kronecker product: a down and b across a tile. */
const along = (a: Matrix, b: Matrix): Matrix =>
  a.flatMap((r) => b.map((s) => r.flatMap((x) => s.map((y) => x * y))));

const PIXELS_TO_POINTS = along(TILE_TO_POINTS, TILE_TO_POINTS);
const ROWS_TO_POINTS = transposed(along(POINTS_TO_ROWS, POINTS_TO_ROWS));

/** From the 2x2 taps of a phase to the points: the same for each phase. */
const KERNEL_TO_POINTS = along(TAPS_TO_POINTS, TAPS_TO_POINTS);

/** The neighbour of a tile that shares a row with it, and the point that is this row's value: for each phase. */
const NEIGHBOURS = [
  { tile: -1, point: POINTS - 1 },
  { tile: 1, point: 0 },
] as const;

/**
 * From a tile's points and its neighbour's one to the four rows of a phase that it keeps: of the even ones the first four,
 * to whose first the tile before adds its value at infinity; of the odd ones the last four, to whose last the tile after
 * adds its value at 0. At the image's border there is no neighbour.
 */
function pointsToKept(phase: number, tile: number, count: number): Matrix {
  const shared = phase === 0 ? 0 : TILE - 1;
  const has = isInside(tile + NEIGHBOURS[phase]!.tile, count);
  return POINTS_TO_ROWS.slice(phase, phase + TILE).map((row, i) => [...row, has && i === shared ? 1 : 0]);
}

/**
 * The phases of rows and columns in the order of the taps that they read first: the odd ones (1) begin with tap 0, the even
 * ones (0) with tap 1. So a kernel's taps are numbered (2 j + r) by j, which of a phase's taps, and r, the phase's place here.
 */
const phases = (): [p: number, q: number][] => rowsAndColumns(PHASES, PHASES).map(([r, s]) => [1 - r, 1 - s]);

const placeOf = (p: number, q: number): number => phases().findIndex(([a, b]) => a === p && b === q);

/** [O,C,4,4] <-> [4 C phases, O] for each of the 2x2 taps of a phase. */
const weightLayout: WeightLayout = {
  toKernel(weight) {
    const [o, c] = weight.shape as [number, number];
    const rows = transpose(reshape(weight, [o, c * ALL_TAPS]), [1, 0]);
    const apart = reshape(rows, [c, TAPS / PHASES, PHASES, TAPS / PHASES, PHASES, o]);
    return reshape(transpose(apart, [1, 3, 2, 4, 0, 5]), [ALL_TAPS * c, o]);
  },
  fromKernel(kernel, shape) {
    const [o, c] = shape as [number, number];
    const apart = reshape(kernel, [TAPS / PHASES, TAPS / PHASES, PHASES, PHASES, c, o]);
    const rows = reshape(transpose(apart, [4, 0, 2, 1, 3, 5]), [c * ALL_TAPS, o]);
    return reshape(transpose(rows, [1, 0]), shape);
  },
};

/** Transforms and batched MatMuls. */
export const winograd: ProductForm = {
  applies: ({ kernel, stride, pad }) => kernel.every((k) => k === TAPS) && stride === PHASES && pad === 1,
  weightLayout,
  correlate(x, weight, g, bias) {
    const product = matmul(largeToPoints(x, g), kernelToPoints(weight, g));
    const value = pointsToSmall(product, x.shape[0]!, g);
    return bias ? add(value, bias) : value;
  },
  scatter: (y, weight, g) => cropped(blockOrder(g).toImages(scatterInBlocks(y, weight, g)), g.large),
  outer: (x, y, g) =>
    pointsToKernel(matmul(transpose(largeToPoints(x, g), [0, 2, 1]), smallToPoints(y, g)), g),
};

/** The transposed convolution with its pixels as they come: [pixels in the order of `blockOrder`, N, C] */
export function scatterInBlocks(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor {
  const batch = y.shape[0]!;
  // Phases apart, as each reads other neighbours of a tile.
  const kernel = reshape(kernelToPoints(weight, g), [ALL_POINTS, ALL_PHASES, g.channels, g.filters]);
  const points = reshape(smallToPoints(y, g), [ALL_POINTS, 1, mulDims(tilesOf(g), batch), g.filters]);
  return pointsToBlocks(matmul(points, transpose(kernel, [0, 1, 3, 2])), batch, g);
}

/** An order of pixels that is not that of rows and columns. */
export interface PixelOrder {
  /** [pixels, N, C] -> [N,H,W,C] */
  toImages(pixels: Tensor): Tensor;
  /** [N,H,W,C] -> [pixels, N, C] */
  fromImages(images: Tensor): Tensor;
}

/** The order by phase (of rows, of columns), tile and pixel of the phase's tile; the image is whole tiles. */
export function blockOrder(g: ImageGeometry): PixelOrder {
  const [down, across] = tiles(g);
  const apart = [PHASES, PHASES, down, across, TILE, TILE];
  const pixels = apart.reduce((a, b) => a * b);
  const side = TILE * PHASES;
  return {
    toImages(blocks) {
      const [, batch, channels] = blocks.shape as [Dim, Dim, Dim];
      const rows = transpose(reshape(blocks, [...apart, batch, channels]), [6, 2, 4, 0, 3, 5, 1, 7]);
      return reshape(rows, [batch, side * down, side * across, channels]);
    },
    fromImages(images) {
      const [batch, , , channels] = images.shape as [Dim, Dim, Dim, Dim];
      const rows = reshape(images, [batch, down, TILE, PHASES, across, TILE, PHASES, channels]);
      return reshape(transpose(rows, [3, 6, 1, 4, 2, 5, 0, 7]), [pixels, batch, channels]);
    },
  };
}

/** Whether the image is whole tiles. */
export const isWholeTiles = ({ small }: ImageGeometry): boolean => small.every((n) => n % TILE === 0);

/** [N,h,w,O] -> [25, tiles * N, O] */
function smallToPoints(y: Tensor, g: ImageGeometry): Tensor {
  const [batch, h, w, filters] = y.shape as [Dim, number, number, Dim];
  const [down, across] = tiles(g);
  const whole = padAll(y, [0, 0, 0, 0, 0, TILE * down - h, TILE * across - w, 0]);
  const split = reshape(whole, [batch, down, TILE, across, TILE, filters]);
  const pixels = transpose(split, [2, 4, 1, 3, 0, 5]);
  return transformed(PIXELS_TO_POINTS, pixels, [ALL_POINTS, mulDims(tilesOf(g), batch), filters]);
}

/** The adjoint of `smallToPoints`. */
function pointsToSmall(points: Tensor, batch: Dim, g: ImageGeometry): Tensor {
  const filters = points.shape[2]!;
  const [down, across] = tiles(g);
  const shape = [TILE, TILE, down, across, batch, filters];
  const pixels = transpose(transformed(transposed(PIXELS_TO_POINTS), points, shape), [4, 2, 0, 3, 1, 5]);
  return cropped(reshape(pixels, [batch, TILE * down, TILE * across, filters]), g.small);
}

/** [25, 4, tiles * N, C] -> [pixels in the order of `blockOrder`, N, C] */
function pointsToBlocks(points: Tensor, batch: Dim, g: ImageGeometry): Tensor {
  const channels = points.shape[3]!;
  const [down, across] = tiles(g);
  const rows = reshape(points, [ALL_POINTS * ALL_PHASES * tilesOf(g), batch, channels]);
  const read = rowsAndColumns(POINTS + 1, POINTS + 1);
  // By row and column of the large image, even ones first.
  const tilesOfPhases = rowsAndColumns(PHASES, PHASES).flatMap(([p, q]) =>
    rowsAndColumns(down, across).map(([i, j]) => ({ p, q, i, j })),
  );
  const indices = tilesOfPhases.flatMap(({ p, q, i, j }) =>
    read.map(([a, b]) => {
      const [y, x] = [partOf(a, i, p, down), partOf(b, j, q, across)];
      const point = (y.point * POINTS + x.point) * ALL_PHASES + placeOf(p, q);
      return (point * down + y.tile) * across + x.tile;
    }),
  );
  const matrices = tilesOfPhases.map(({ p, q, i, j }) =>
    along(pointsToKept(p, i, down), pointsToKept(q, j, across)),
  );
  const parts = reshape(gather(rows, ints(indices), 0), [
    matrices.length,
    read.length,
    mulDims(batch, channels),
  ]);
  const kept = matmul(
    constant("float32", [matrices.length, TILE ** 2, read.length], matrices.flat(2)),
    parts,
  );
  return reshape(kept, [matrices.length * TILE ** 2, batch, channels]);
}

/** What a tile reads along an axis: one of its own points, or the neighbour's; where there is none, one that counts 0. */
function partOf(at: number, tile: number, phase: number, count: number) {
  const neighbour = NEIGHBOURS[phase]!;
  const other = tile + neighbour.tile;
  if (at < POINTS) return { tile, point: at };
  return { tile: isInside(other, count) ? other : tile, point: neighbour.point };
}

/** The adjoint of `scatterInBlocks` without its kernel, phases among the channels: [N,H,W,C] -> [25, tiles * N, 4 C] */
function largeToPoints(x: Tensor, g: ImageGeometry): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, number, number, number];
  const [down, across] = tiles(g);
  const outside = height * width;
  const indices = rowsAndColumns(POINTS, POINTS).flatMap(([a, b]) =>
    rowsAndColumns(down, across).flatMap(([i, j]) =>
      phases().map(([p, q]) => {
        const [y, xx] = [PHASES * (TILE * i + a) - p, PHASES * (TILE * j + b) - q];
        return isInside(y, height) && isInside(xx, width) ? y * width + xx : outside;
      }),
    ),
  );
  const wide = channels * ALL_PHASES;
  const withZero = padAll(reshape(x, [batch, outside, channels]), [0, 0, 0, 0, 1, 0]);
  const pixels = reshape(gather(withZero, ints(indices), 1), [batch, ALL_POINTS * tilesOf(g), wide]);
  return transformed(ROWS_TO_POINTS, transpose(pixels, [1, 0, 2]), [
    ALL_POINTS,
    mulDims(tilesOf(g), batch),
    wide,
  ]);
}

/** [16 C, O] -> [25, 4 C, O] */
function kernelToPoints(weight: Tensor, { channels, filters }: ImageGeometry): Tensor {
  return transformed(KERNEL_TO_POINTS, weight, [ALL_POINTS, ALL_PHASES * channels, filters]);
}

/** The adjoint of `kernelToPoints`. */
function pointsToKernel(points: Tensor, { channels, filters }: ImageGeometry): Tensor {
  return transformed(transposed(KERNEL_TO_POINTS), points, [ALL_TAPS * channels, filters]);
}

/** A matrix times x, whose first axes are (or begin with) that of its columns, given another shape. */
function transformed(matrix: Matrix, x: Tensor, shape: readonly Dim[]): Tensor {
  const columns = matrix[0]!.length;
  const size = x.shape.filter((dim) => typeof dim === "number").reduce((a, b) => a * b, 1);
  const named = x.shape.filter((dim) => typeof dim !== "number");
  const rows = reshape(x, [columns, named.reduce(mulDims, size / columns)]);
  return reshape(matmul(matrixOf(matrix), rows), shape);
}

/** x [N,H,W,C] without the rows and columns beyond a size. */
function cropped(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  return sliceAxis(sliceAxis(x, 1, 0, height), 2, 0, width);
}

/** Tiles down and across. */
const tiles = ({ small: [h, w] }: ImageGeometry): [down: number, across: number] => [
  Math.ceil(h / TILE),
  Math.ceil(w / TILE),
];

const tilesOf = (g: ImageGeometry): number => tiles(g).reduce((a, b) => a * b);

function rowsAndColumns(height: number, width: number): [row: number, column: number][] {
  return Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
}

const isInside = (at: number, size: number): boolean => at >= 0 && at < size;

const matrixOf = (m: Matrix): Tensor => constant("float32", [m.length, m[0]!.length], m.flat());

const ints = (list: readonly number[]): Tensor => constant("int32", [list.length], list);
