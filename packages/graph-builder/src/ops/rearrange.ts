/** Operators that move or repeat elements. */
import { type Dim, exactDiv, formatShape, mulDims } from "../dim.js";
import { apply, type Call, defineOp, defineReading, type OpEntry } from "../op.js";
import { int64s, scalar, type Tensor } from "../tensor.js";
import { gradientOf } from "./composed.js";
import { constantValues } from "./constants.js";
import { expand } from "./expand.js";
import { reshape } from "./reshape.js";
import { transpose } from "./transpose.js";

const tileOp = defineOp("Tile", {
  since: 13,
  infer(call) {
    const { dtype, shape } = call.input(0);
    const repeats = constantValues(call.input(1));
    if (!repeats) return call.fail("the repeats are computed when the graph runs; give them as a constant");
    if (repeats.length !== shape.length)
      return call.fail(`${repeats.length} repeats, expected ${shape.length} for ${formatShape(shape)}`);
    return [{ dtype, shape: shape.map((dim, i) => mulDims(dim, repeats[i]!)) }];
  },
  vjp: gradientOf(([x, repeats]) => tiled(x!, constantValues(repeats)!)),
});

/** Each axis as two, of which the first is repeated. */
function tiled(x: Tensor, repeats: readonly number[]): Tensor {
  const apart = x.shape.flatMap((dim): Dim[] => [1, dim]);
  const repeated = x.shape.flatMap((dim, i): Dim[] => [repeats[i]!, dim]);
  const shape = x.shape.map((dim, i) => mulDims(dim, repeats[i]!));
  return reshape(expand(reshape(x, apart), repeated, [x]), shape);
}

/** The tensor beside itself along each axis. https://onnx.ai/onnx/operators/onnx__Tile.html */
export const tile = (x: Tensor, repeats: readonly number[]): Tensor => apply(tileOp, [x, int64s(repeats)]);

const triluOp: OpEntry = defineOp("Trilu", {
  since: 14,
  attributes: { upper: "int" },
  infer({ input, fail }) {
    const { dtype, shape } = input(0);
    if (shape.length < 2)
      fail(`the input is ${formatShape(shape)}, expected a matrix or a batch of matrices`);
    return [{ dtype, shape }];
  },
  vjp: ({ grad, inputs, attributes }) => [apply(triluOp, [grad, inputs[1]], attributes), undefined],
});

/**
 * A matrix's triangle from the k-th diagonal on, zeros elsewhere. https://onnx.ai/onnx/operators/onnx__Trilu.html
 */
export const trilu = (x: Tensor, { upper = true, k = 0 }: { upper?: boolean; k?: number } = {}): Tensor =>
  apply(triluOp, k === 0 ? [x] : [x, scalar(k, "int64")], { upper: upper ? 1 : 0 });

/** [N, C b b, H, W] -> [N, C, H b, W b]: blocks of channels become pixels. */
export function depthToSpace(x: Tensor, blocksize: number, mode: "DCR" | "CRD" = "DCR"): Tensor {
  const [n, c, h, w] = x.shape as [Dim, Dim, Dim, Dim];
  const b = blocksize;
  const depth = exactDiv(c, b * b)!;
  const apart = mode === "DCR" ? [n, b, b, depth, h, w] : [n, depth, b, b, h, w];
  const perm = mode === "DCR" ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return reshape(transpose(reshape(x, apart), perm), [n, depth, mulDims(h, b), mulDims(w, b)]);
}

/** [N, C, H, W] -> [N, C b b, H / b, W / b]: blocks of pixels become channels. */
export function spaceToDepth(x: Tensor, blocksize: number): Tensor {
  const [n, c, h, w] = x.shape as [Dim, Dim, Dim, Dim];
  const b = blocksize;
  const [rows, columns] = [exactDiv(h, b)!, exactDiv(w, b)!];
  const apart = reshape(x, [n, c, rows, b, columns, b]);
  return reshape(transpose(apart, [0, 3, 5, 1, 2, 4]), [n, mulDims(c, b * b), rows, columns]);
}

/** The image and block size of a node that moves blocks. */
function blocks(
  { input, attributes, fail }: Call,
  axes: readonly number[],
  by: (b: number) => number,
): number {
  const { shape } = input(0);
  const size = attributes.blocksize as number;
  const fits = shape.length === 4 && axes.every((axis) => exactDiv(shape[axis]!, by(size)) !== undefined);
  if (!(size >= 1) || !fits) fail(`${formatShape(shape)} has no blocks of ${size}`);
  return size;
}

const depthToSpaceReading = defineReading("DepthToSpace", {
  since: 1,
  attributes: { blocksize: "int", mode: "string" },
  read: (call) => {
    const size = blocks(call, [1], (b) => b * b);
    return [depthToSpace(call.input(0), size, call.attributes.mode === "CRD" ? "CRD" : "DCR")];
  },
});

const spaceToDepthReading = defineReading("SpaceToDepth", {
  since: 1,
  attributes: { blocksize: "int", mode: "string" },
  read: (call) => [
    spaceToDepth(
      call.input(0),
      blocks(call, [2, 3], (b) => b),
    ),
  ],
});

export const rearrangements = [depthToSpaceReading, spaceToDepthReading];
export default [tileOp, triluOp];
