/** Operators at the edges of their definitions, and along named sizes. */
import {
  add,
  clip,
  conv,
  convTranspose,
  mul,
  pad,
  pow,
  reduceProd,
  reduceSum,
  reshape,
  slice,
  split,
  type Tensor,
  transpose,
} from "../../src/index.js";
import { apply } from "../../src/op.js";
import { OPS } from "../../src/ops/registry.js";
import { constant, int64s } from "../../src/tensor.js";
import type { Sample } from "./sample.js";

const of = (
  op: string,
  name: string,
  shapes: Sample["shapes"],
  build: Sample["build"],
  more: Partial<Sample> = {},
): Sample => ({ ops: [op], name: `${op} ${name}`, shapes, build, ...more });
const linear = { polynomial: true } as const;
/** Further than any axis reaches. */
const FAR = 2 ** 32;

const resized = (x: Tensor, sizes: readonly number[], attributes: Record<string, string | number>) =>
  apply(OPS.get("Resize")!, [x, undefined, undefined, int64s(sizes)], attributes);

export const EDGE_SAMPLES: readonly Sample[] = [
  of("Clip", "below", [["n", 3]], (x) => clip(x, { min: -0.5 }), { apart: true }),
  of("Clip", "nowhere", [["n", 3]], (x) => clip(x, {}), linear),
  of("Pow", "to nothing", [["n", 3]], (x) => add(pow(x, 0), x), linear),
  of("ReduceSum", "over no axes", [["n", 3]], (x) => reduceSum(x, { axes: [] }), linear),
  of(
    "ReduceSum",
    "of a transposed tensor, axes kept",
    [["n", 3, 4]],
    (x) => reduceSum(transpose(x, [2, 0, 1]), { axes: [1], keepdims: true }),
    linear,
  ),
  of("ReduceProd", "of one element", [["n", 1]], (x) => mul(reduceProd(x, { axes: [1] }), 3), linear),
  of(
    "Slice",
    "from before the start to beyond the end",
    [["n", 4]],
    (x) => slice(x, { starts: [-9], ends: [9], axes: [1], steps: [3] }),
    linear,
  ),
  of(
    "Slice",
    "backwards from beyond the end to before the start",
    [["n", 4]],
    (x) => slice(x, { starts: [9], ends: [-9], axes: [1], steps: [-2] }),
    linear,
  ),
  of(
    "Slice",
    "backwards between two places",
    [["n", 6]],
    (x) => slice(x, { starts: [4], ends: [-6], axes: [1], steps: [-2] }),
    linear,
  ),
  of(
    "Slice",
    "of nothing",
    [["n", 4]],
    (x) => add(reduceSum(slice(x, { starts: [3], ends: [1], axes: [1] })), x),
    linear,
  ),
  of(
    "Slice",
    "of a named axis, from its end",
    [["n", 3]],
    (x) => slice(x, { starts: [-1], ends: [FAR], axes: [0] }),
    linear,
  ),
  of(
    "Slice",
    "of a named axis, backwards",
    [["n", 3]],
    (x) => slice(x, { starts: [-1], ends: [-FAR], axes: [0], steps: [-1] }),
    linear,
  ),
  of("Split", "into one", [["n", 3]], (x) => split(x, [3], 1), linear),
  of("Pad", "by a named size", [["n", 3]], (x) => pad(x, { axis: 0, before: "n", after: 1 }), linear),
  of("Reshape", "to two named sizes", [["n", 2, "n"]], (x) => reshape(x, ["2*n", "n"]), linear),
  of("Transpose", "of all axes", [["n", 3, 2]], (x) => apply(OPS.get("Transpose")!, [x]), linear),
  of(
    "Mul",
    "of a transposed tensor by one number in brackets",
    [["n", 3]],
    (x) => mul(transpose(x, [1, 0]), constant(x.dtype, [1, 1], [3])),
    linear,
  ),
  of(
    "Conv",
    "with a stride along a named size",
    [["n", 1, "n"]],
    (x) => conv(x, constant(x.dtype, [2, 1, 1], [3, -2]), { strides: [2] }),
    { ...linear, single: true },
  ),
  of(
    "ConvTranspose",
    "along a named size",
    [["n", 2, "n"]],
    (x) => convTranspose(x, constant(x.dtype, [2, 1, 2], [1, 2, 3, 4]), { strides: [2] }),
    { ...linear, single: true },
  ),
  of(
    "Conv",
    "padded automatically",
    [
      ["n", 1, 5, 4],
      [2, 1, 2, 2],
    ],
    (x, w) => apply(OPS.get("Conv")!, [x, w], { auto_pad: "SAME_UPPER", strides: [2, 1] }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "to one pixel as PyTorch",
    [[2, 1, 3]],
    (x) => resized(x, [2, 1, 1], { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "to one pixel with corners aligned",
    [[2, 1, 3]],
    (x) => resized(x, [2, 1, 1], { mode: "linear", coordinate_transformation_mode: "align_corners" }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "to the nearest, halves up",
    [[2, 1, 4]],
    (x) => resized(x, [2, 1, 2], { mode: "nearest", nearest_mode: "round_prefer_ceil" }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "to the nearest above",
    [[2, 1, 4]],
    (x) => resized(x, [2, 1, 3], { mode: "nearest", nearest_mode: "ceil" }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "by cubes of what lies inside",
    [[1, 2, 4, 4]],
    (x) => resized(x, [1, 2, 7, 4], { mode: "cubic", exclude_outside: 1 }),
    { ...linear, single: true },
  ),
  of(
    "Resize",
    "about the middle",
    [[2, 1, 5]],
    (x) =>
      apply(OPS.get("Resize")!, [x, undefined, constant("float32", [3], [1, 1, 0.5])], {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel_symmetric",
      }),
    { ...linear, single: true },
  ),
];
