/** Pooling, resizing, and operators that move, take or choose elements. */

import { mulDims } from "../../src/dim.js";
import {
  add,
  argMax,
  argMin,
  averagePool,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  branch,
  cast,
  depthToSpace,
  dimTensor,
  gatherElements,
  globalAveragePool,
  globalMaxPool,
  greater,
  isInfinite,
  isNotANumber,
  maxPool,
  mod,
  mul,
  range,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  resize,
  scatterElements,
  shapeTensor,
  shiftLeft,
  shiftRight,
  spaceToDepth,
  type Tensor,
  tile,
  topK,
  trilu,
} from "../../src/index.js";
import { apply } from "../../src/op.js";
import { OPS } from "../../src/ops/registry.js";
import { constant, scalar } from "../../src/tensor.js";
import type { Sample } from "./sample.js";

type Shapes = Sample["shapes"];
const of = (
  op: string,
  name: string,
  shapes: Shapes,
  build: Sample["build"],
  more: Partial<Sample> = {},
): Sample => ({
  ops: [op],
  name: `${op} ${name}`,
  shapes,
  build,
  ...more,
});
const linear = { polynomial: true, single: true } as const;
const image: Shapes = [["n", 2, 5, 6]];
const i64 = (shape: number[], values: number[]) => constant("int64", shape, values);
const forward = { forward: true } as const;
const u32 = (values: number[]) => constant("uint32", [values.length], values);
const i32 = (values: number[]) => constant("int32", [values.length], values);

export const SPATIAL_SAMPLES: readonly Sample[] = [
  of(
    "AveragePool",
    "2x2",
    [["n", 2, 4, 4]],
    (x) => averagePool(x, { kernel_shape: [2, 2], strides: [2, 2] }),
    linear,
  ),
  of(
    "AveragePool",
    "padded, the padding left out, ceil",
    [["n", 2, 5, 7]],
    (x) => averagePool(x, { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0], ceil_mode: true }),
    linear,
  ),
  of(
    "AveragePool",
    "padded, the padding counted, dilated",
    image,
    (x) =>
      averagePool(x, {
        kernel_shape: [2, 2],
        pads: [1, 1, 1, 1],
        dilations: [2, 1],
        count_include_pad: true,
      }),
    linear,
  ),
  of("AveragePool", "of one axis", [["n", 2, 7]], (x) => averagePool(x, { kernel_shape: [3] }), linear),
  of("ReduceMean", "globalAveragePool", image, globalAveragePool, linear),
  of("ReduceMax", "globalMaxPool", image, globalMaxPool, { apart: true }),
  of("MaxPool", "2x2", [["n", 2, 4, 4]], (x) => maxPool(x, { kernel_shape: [2, 2], strides: [2, 2] }), {
    apart: true,
    single: true,
    polynomial: false,
  }),
  of(
    "MaxPool",
    "padded, dilated, ceil",
    image,
    (x) =>
      maxPool(x, {
        kernel_shape: [2, 3],
        strides: [2, 2],
        pads: [1, 1, 0, 1],
        dilations: [2, 1],
        ceil_mode: true,
      }),
    { apart: true, single: true },
  ),
  of(
    "LpPool",
    "padded",
    [["n", 2, 5, 4]],
    (x) =>
      apply(OPS.get("LpPool")!, [x], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0], p: 2 }),
    { single: true, range: [0.5, 1.5] },
  ),
  of(
    "Resize",
    "nearest, twice",
    [["n", 2, 2, 3]],
    (x) =>
      resize(x, {
        scales: [1, 1, 2, 2],
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    linear,
  ),
  of(
    "Resize",
    "nearest, twice, of named sizes",
    [["n", 2, "n", 3]],
    (x) => resize(x, { scales: [1, 1, 2, 3] }),
    linear,
  ),
  of(
    "Resize",
    "to the size of another",
    [
      [2, 2, "n", 3],
      [2, 2, "n", 6],
    ],
    (x, like) => [
      apply(OPS.get("Resize")!, [x, undefined, undefined, shapeTensor([2, 2, mulDims("n", 2), 6], [like])]),
      like,
    ],
    linear,
  ),
  ...(
    ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"] as const
  ).flatMap((coordinate_transformation_mode) =>
    (["nearest", "linear", "cubic"] as const).map((mode) =>
      of(
        "Resize",
        `${mode} ${coordinate_transformation_mode}`,
        [[2, 2, 4, 5]],
        (x) => resize(x, { sizes: [2, 2, 7, 3], mode, coordinate_transformation_mode }),
        linear,
      ),
    ),
  ),
  of(
    "GatherElements",
    "repeated",
    [["n", 3]],
    (x) => gatherElements(x, i64([2, 4], [0, 2, 2, 0, 1, 1, -1, 1]), 1),
    {
      polynomial: true,
    },
  ),
  of(
    "ScatterElements",
    "add",
    [
      ["n", 3],
      [2, 2],
    ],
    (x, u) => scatterElements(x, i64([2, 2], [2, 2, 0, 1]), u, 1, "add"),
    {
      polynomial: true,
    },
  ),
  of(
    "ScatterElements",
    "replace",
    [
      ["n", 3],
      [2, 2],
    ],
    (x, u) => scatterElements(x, i64([2, 2], [2, 0, 0, 1]), u, 1),
    {
      polynomial: true,
    },
  ),
  of(
    "Range",
    "of a named size",
    [["n"], ["n"]],
    (x, y) => {
      const n = dimTensor("n", [x]);
      const from = scalar(0, "int64");
      return [
        mul(x, cast(range(from, n), x.dtype)),
        mul(y, cast(range(scalar(3, "int64"), add(n, 3)), x.dtype)),
      ];
    },
    { polynomial: true },
  ),
  of("Tile", "two axes", [["n", 1, 2]], (x) => tile(x, [2, 3, 2]), { polynomial: true }),
  of("Trilu", "upper", [["n", 3, 4]], (x) => trilu(x), { polynomial: true }),
  of("Trilu", "lower", [["n", 3, 4]], (x) => trilu(x, { upper: false, k: 1 }), { polynomial: true }),
  of("Transpose", "depthToSpace", [["n", 8, 2, 3]], (x) => depthToSpace(x, 2), { polynomial: true }),
  of("Transpose", "depthToSpace by columns", [["n", 8, 2, 3]], (x) => depthToSpace(x, 2, "CRD"), {
    polynomial: true,
  }),
  of("Transpose", "spaceToDepth", [["n", 2, 4, 6]], (x) => spaceToDepth(x, 2), { polynomial: true }),
  of("TopK", "largest", [["n", 5]], (x) => topK(x, 2).values, { apart: true }),
  of(
    "TopK",
    "smallest along the first axis",
    [[4, 3]],
    (x) => topK(x, 2, { axis: 0, largest: false }).values,
    {
      apart: true,
    },
  ),
  of("TopK", "places", [["n", 5]], (x) => topK(x, 2).indices, forward),
  of("ArgMax", "", [["n", 5]], (x) => argMax(x, { axis: 1, keepdims: false }), forward),
  of("ArgMin", "", [["n", 5]], (x) => argMin(x), forward),
  of("ReduceL1", "", [["n", 3]], (x) => reduceL1(x, { axes: [1] }), { apart: true }),
  of("ReduceL2", "", [["n", 3]], (x) => reduceL2(x, { axes: [1], keepdims: true })),
  of("ReduceLogSum", "", [["n", 3]], (x) => reduceLogSum(x, { axes: [1] }), { range: [0.5, 2] }),
  of("ReduceSumSquare", "", [["n", 3]], (x) => reduceSumSquare(x, { axes: [0] }), { polynomial: true }),
  of("ReduceProd", "of one axis", [["n", 4]], (x) => reduceProd(x, { axes: [1] })),
  of("ReduceProd", "of two axes", [["n", 2, 3]], (x) => reduceProd(x, { axes: [1, 2], keepdims: true })),
  of("Mod", "of numbers", [["n", 3], [3]], (a, b) => mod(mul(a, 5), b), { range: [0.8, 1.1] }),
  of("Mod", "of whole numbers", [], () => mod(i32([5, -5, 7]), i32([3, 3, -3])), forward),
  of("IsNaN", "", [["n", 3]], (x) => isNotANumber(x), forward),
  of("IsInf", "", [["n", 3]], (x) => isInfinite(x), forward),
  of(
    "BitShift",
    "",
    [],
    () => [shiftLeft(u32([1, 2]), u32([3])), shiftRight(u32([9, 8]), u32([1, 2]))],
    forward,
  ),
  of("BitwiseAnd", "", [], () => bitwiseAnd(i32([5, 6]), i32([3])), forward),
  of("BitwiseOr", "", [], () => bitwiseOr(i32([5, 6]), i32([3])), forward),
  of("BitwiseXor", "", [], () => bitwiseXor(i32([5, 6]), i32([3])), forward),
  of("BitwiseNot", "", [], () => bitwiseNot(i32([5, -6])), forward),
  of(
    "If",
    "by a sum",
    [["n", 3]],
    (x) =>
      branch(
        greater(reduceSum(x), scalar(0, x.dtype)),
        () => [mul(x, 2)],
        () => [mul(x, 3)],
      ) as Tensor[],
    forward,
  ),
];
