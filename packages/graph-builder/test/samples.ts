/** For every operator: uses of it on which shape inference and gradients are checked. */
import {
  abs,
  add,
  and,
  batchNormalization,
  cast,
  ceil,
  concat,
  constant,
  conv,
  convTranspose,
  cos,
  customVjp,
  div,
  equal,
  erf,
  exp,
  expand,
  floor,
  gather,
  gatherND,
  gelu,
  gemm,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  loop,
  matmul,
  max,
  min,
  mul,
  neg,
  not,
  or,
  pad,
  padAll,
  pow,
  reciprocal,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  relu,
  reshape,
  round,
  scalar,
  scatterND,
  shapeOf,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softplus,
  split,
  sqrt,
  sub,
  type Tensor,
  tanh,
  transpose,
  where,
  xor,
} from "../src/index.js";
import { ACTIVATION_SAMPLES } from "./samples/activations.js";
import { EDGE_SAMPLES } from "./samples/edges.js";
import { LOSS_SAMPLES } from "./samples/losses.js";
import { LOWERING_SAMPLES } from "./samples/lowerings.js";
import { NORMALIZATION_SAMPLES } from "./samples/normalizations.js";
import { PRODUCT_SAMPLES } from "./samples/products.js";
import { SPATIAL_SAMPLES } from "./samples/spatial.js";

export interface Sample {
  /** Operators that the sample is there for. */
  readonly ops: readonly string[];
  readonly name: string;
  /** Shapes of the inputs; "n" is a named size, 2 when the sample runs. */
  readonly shapes: readonly (readonly (number | "n")[])[];
  /** Range of the inputs' values; by default -1..1. */
  readonly range?: readonly [number, number];
  /** Each input's values differ by at least this, so that no step of a numeric difference changes their order. */
  readonly apart?: boolean;
  /** ONNX Runtime has no float64 kernel on the CPU. */
  readonly single?: boolean;
  /** Quadratic at most in each direction: numeric differences are exact for any step. */
  readonly polynomial?: boolean;
  /** No gradient: only shape inference is checked. */
  readonly forward?: boolean;
  /** Why the gradient has no gradient of its own. */
  readonly once?: string;
  build(...inputs: Tensor[]): Tensor | readonly Tensor[];
}

const unary = (op: string, build: (x: Tensor) => Tensor, more: Partial<Sample> = {}): Sample => ({
  ops: [op],
  name: op,
  shapes: [["n", 3]],
  build,
  ...more,
});
const binary = (
  op: string,
  build: (a: Tensor, b: Tensor) => Tensor,
  more: Partial<Sample> = {},
): Sample[] => [
  {
    ops: [op],
    name: `${op} same shape`,
    shapes: [
      ["n", 3],
      ["n", 3],
    ],
    build,
    ...more,
  },
  {
    ops: [op],
    name: `${op} broadcast`,
    shapes: [
      ["n", 1, 3],
      [4, 1],
    ],
    build,
    ...more,
  },
  { ops: [op], name: `${op} of itself`, shapes: [["n", 3]], build: (x) => build(x, x), ...more },
];
const i32 = (values: number[], shape = [values.length]) => constant("int32", shape, values);
const linear = { polynomial: true } as const;

export const SAMPLES: readonly Sample[] = [
  ...binary("Add", add, linear),
  ...binary("Sub", sub, linear),
  ...binary("Mul", mul, linear),
  ...binary("Div", div, { range: [0.5, 2] }),
  ...binary("Pow", pow, { range: [0.5, 2] }),
  unary("Pow", (x) => pow(x, 3)),
  unary("Pow", (x) => pow(x, 2), { name: "Pow square at negative numbers", range: [-2, -0.5] }),
  {
    ops: ["Max"],
    name: "Max of three",
    shapes: [["n", 3], [3], ["n", 1]],
    apart: true,
    build: (a, b, c) => max(a, b, c),
  },
  {
    ops: ["Min"],
    name: "Min of three",
    shapes: [["n", 3], [3], ["n", 1]],
    apart: true,
    build: (a, b, c) => min(a, b, c),
  },
  unary("Neg", neg, linear),
  unary("Exp", exp),
  unary("Log", log, { range: [0.5, 2] }),
  unary("Sqrt", sqrt, { range: [0.5, 2] }),
  unary("Reciprocal", reciprocal, { range: [0.5, 2] }),
  unary("Sin", sin),
  unary("Cos", cos),
  unary("Tanh", tanh),
  unary("Sigmoid", sigmoid),
  unary("Erf", erf, { single: true }),
  unary("Softplus", softplus, { single: true }),
  unary("Relu", relu, { apart: true }),
  unary("Abs", abs, { apart: true }),
  unary("Sign", (x) => mul(x, sign(x)), { apart: true }),
  unary("Floor", (x) => add(floor(x), x), { apart: true }),
  unary("Ceil", (x) => add(ceil(x), x), { apart: true }),
  unary("Round", (x) => add(round(x), x), { apart: true }),
  // ONNX Runtime fuses x * sigmoid(x) into an operator that it has in float32 only.
  unary("Mul", silu, { name: "silu", single: true }),
  unary("Erf", gelu, { name: "gelu", single: true }),
  unary("Cast", (x) => cast(cast(x, "float32"), "float64"), {
    name: "Cast there and back",
    single: true,
    build: (x) => cast(cast(x, "float64"), "float32"),
  }),
  {
    ops: ["Where", "Greater"],
    name: "Where greater",
    shapes: [["n", 3], [3]],
    apart: true,
    build: (a, b) => where(greater(a, b), mul(a, 2), mul(b, a)),
  },
  {
    ops: ["Less", "GreaterOrEqual", "LessOrEqual", "Equal", "And", "Or", "Xor", "Not"],
    name: "comparisons and logic",
    shapes: [
      ["n", 3],
      ["n", 3],
    ],
    apart: true,
    build: (a, b) =>
      where(
        xor(and(less(a, b), not(equal(a, b))), or(greaterOrEqual(a, b), lessOrEqual(a, b))),
        a,
        mul(b, 3),
      ),
  },
  { ops: ["ReduceSum"], name: "ReduceSum all", shapes: [["n", 3, 4]], ...linear, build: (x) => reduceSum(x) },
  {
    ops: ["ReduceSum"],
    name: "ReduceSum axes",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => reduceSum(x, { axes: [0, -1] }),
  },
  {
    ops: ["ReduceSum"],
    name: "ReduceSum keepdims",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => reduceSum(x, { axes: [1], keepdims: true }),
  },
  {
    ops: ["ReduceMean"],
    name: "ReduceMean all",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => reduceMean(x),
  },
  {
    ops: ["ReduceMean"],
    name: "ReduceMean axes",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => reduceMean(x, { axes: [0, 2], keepdims: true }),
  },
  {
    ops: ["ReduceMax"],
    name: "ReduceMax",
    shapes: [["n", 5]],
    apart: true,
    build: (x) => reduceMax(x, { axes: [1] }),
  },
  {
    ops: ["ReduceMin"],
    name: "ReduceMin",
    shapes: [["n", 5]],
    apart: true,
    build: (x) => reduceMin(x, { axes: [0] }),
  },
  {
    ops: ["ReduceLogSumExp"],
    name: "ReduceLogSumExp",
    shapes: [["n", 5]],
    build: (x) => reduceLogSumExp(x, { axes: [1] }),
  },
  { ops: ["Reshape"], name: "Reshape", shapes: [["n", 6]], ...linear, build: (x) => reshape(x, ["n", 2, 3]) },
  {
    ops: ["Reshape"],
    name: "Reshape of named sizes",
    shapes: [["n", 6]],
    ...linear,
    build: (x) => mul(reshape(x, ["2*n", 3]), 2),
  },
  {
    ops: ["Transpose"],
    name: "Transpose",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => transpose(x, [2, 0, 1]),
  },
  {
    ops: ["Transpose"],
    name: "Transpose under arithmetic",
    shapes: [
      ["n", 3, 4],
      ["n", 3, 4],
    ],
    build: (a, b) => exp(mul(transpose(a, [0, 2, 1]), transpose(b, [0, 2, 1]))),
  },
  {
    ops: ["Expand"],
    name: "Expand",
    shapes: [["n", 1, 3]],
    ...linear,
    build: (x) => expand(x, [2, "n", 4, 3]),
  },
  {
    ops: ["Concat"],
    name: "Concat",
    shapes: [
      ["n", 3],
      ["n", 2],
    ],
    ...linear,
    build: (a, b) => concat([a, b, a], 1),
  },
  {
    ops: ["Concat"],
    name: "Concat of a named axis",
    shapes: [
      ["n", 3],
      ["n", 3],
    ],
    ...linear,
    build: (a, b) => concat([a, mul(b, b)], 0),
  },
  {
    ops: ["Concat"],
    name: "Concat of transposed images",
    shapes: [
      ["n", 3, 4, 4],
      ["n", 4, 4, 2],
    ],
    ...linear,
    build: (a, b) => concat([a, transpose(b, [0, 3, 1, 2])], 1),
  },
  { ops: ["Split"], name: "Split", shapes: [["n", 6]], ...linear, build: (x) => split(x, [1, 3, 2], 1) },
  {
    ops: ["Split"],
    name: "Split with an unused part",
    shapes: [["n", 6]],
    ...linear,
    build: (x) => split(x, [1, 3, 2], 1)[1]!,
  },
  {
    ops: ["Slice"],
    name: "Slice",
    shapes: [["n", 6, 5]],
    ...linear,
    build: (x) => slice(x, { starts: [1, -3], ends: [4, 2 ** 31], axes: [1, 2] }),
  },
  {
    ops: ["Slice"],
    name: "Slice with a step",
    shapes: [["n", 7]],
    ...linear,
    build: (x) => slice(x, { starts: [1], ends: [7], axes: [1], steps: [2] }),
  },
  {
    ops: ["Slice"],
    name: "Slice backwards",
    shapes: [["n", 7]],
    ...linear,
    build: (x) => slice(x, { starts: [5], ends: [0], axes: [1], steps: [-2] }),
  },
  {
    ops: ["Slice"],
    name: "Slice of a named axis",
    shapes: [["n", 3]],
    ...linear,
    build: (x) => slice(x, { starts: [1], ends: [2 ** 31] }),
  },
  {
    ops: ["Pad"],
    name: "Pad",
    shapes: [["n", 3, 4]],
    ...linear,
    build: (x) => padAll(x, [0, 1, 2, 0, 0, 1], 0.5),
  },
  {
    ops: ["Pad"],
    name: "Pad by negative numbers",
    shapes: [["n", 5]],
    ...linear,
    build: (x) => padAll(x, [0, -1, 0, 2]),
  },
  {
    ops: ["Pad"],
    name: "Pad one axis",
    shapes: [["n", 5]],
    ...linear,
    build: (x) => pad(x, { axis: 0, before: 1, after: 0 }),
  },
  {
    ops: ["Gather"],
    name: "Gather rows, some twice",
    shapes: [[4, 3]],
    ...linear,
    build: (x) => gather(x, i32([0, 2, 2, -1])),
  },
  {
    ops: ["Gather"],
    name: "Gather along an inner axis",
    shapes: [["n", 4, 3]],
    ...linear,
    build: (x) => gather(x, i32([3, 0, 0, 1], [2, 2]), 1),
  },
  {
    ops: ["GatherND"],
    name: "GatherND",
    shapes: [[4, 3]],
    ...linear,
    build: (x) => gatherND(x, i32([0, 2, 3, 1, 0, 2], [3, 2])),
  },
  {
    ops: ["ScatterND"],
    name: "ScatterND add",
    shapes: [
      [4, 3],
      [3, 3],
    ],
    ...linear,
    build: (x, u) => scatterND(x, i32([1, 1, 3], [3, 1]), u, "add"),
  },
  {
    ops: ["ScatterND"],
    name: "ScatterND replace",
    shapes: [
      [4, 3],
      [2, 3],
    ],
    ...linear,
    build: (x, u) => scatterND(x, i32([1, 3], [2, 1]), u),
  },
  {
    ops: ["MatMul"],
    name: "MatMul",
    shapes: [
      ["n", 3],
      [3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul batched",
    shapes: [
      ["n", 2, 3],
      ["n", 3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul broadcast",
    shapes: [
      ["n", 1, 2, 3],
      [5, 3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul by a matrix",
    shapes: [
      ["n", 5, 3],
      [3, 4],
    ],
    ...linear,
    build: matmul,
  },
  { ops: ["MatMul"], name: "MatMul of vectors", shapes: [[3], [3]], ...linear, build: matmul },
  { ops: ["MatMul"], name: "MatMul by a vector", shapes: [["n", 5, 3], [3]], ...linear, build: matmul },
  { ops: ["MatMul"], name: "MatMul of a vector", shapes: [[3], ["n", 3, 4]], ...linear, build: matmul },
  {
    ops: ["Gemm"],
    name: "Gemm",
    shapes: [["n", 3], [3, 4], [4]],
    ...linear,
    build: (a, b, c) => gemm(a, b, { c }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed",
    shapes: [
      [3, "n"],
      [4, 3],
      ["n", 1],
    ],
    ...linear,
    build: (a, b, c) => gemm(a, b, { c, transA: 1, transB: 1, alpha: 0.5, beta: 2 }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed on the left",
    shapes: [
      [3, "n"],
      [3, 4],
    ],
    ...linear,
    build: (a, b) => gemm(a, b, { transA: 1 }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed on the right",
    shapes: [
      ["n", 3],
      [4, 3],
    ],
    ...linear,
    build: (a, b) => gemm(a, b, { transB: 1 }),
  },
  ...[
    { name: "4-2-1", x: 8, k: 4, options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    { name: "3-1-1", x: 5, k: 3, options: { pads: [1, 1, 1, 1] } },
    { name: "3-2 with rows left over", x: 6, k: 3, options: { strides: [2, 2] } },
    { name: "dilated", x: 7, k: 3, options: { dilations: [2, 2] } },
    { name: "of different pads", x: 5, k: 3, options: { pads: [0, 1, 2, 1] } },
  ].map(
    ({ name, x, k, options }): Sample => ({
      ops: ["Conv"],
      name: `Conv ${name}`,
      shapes: [["n", 3, x, x], [4, 3, k, k], [4]],
      single: true,
      ...linear,
      build: (a, w, bias) => conv(a, w, { ...options, bias }),
    }),
  ),
  {
    ops: ["Conv"],
    name: "Conv in groups",
    shapes: [
      ["n", 4, 5, 5],
      [6, 2, 3, 3],
    ],
    single: true,
    ...linear,
    build: (x, w) => conv(x, w, { group: 2, pads: [1, 1, 1, 1] }),
  },
  {
    ops: ["Conv"],
    name: "Conv of one axis",
    shapes: [
      ["n", 3, 9],
      [4, 3, 3],
    ],
    single: true,
    ...linear,
    build: (x, w) => conv(x, w, { strides: [2] }),
  },
  ...[
    { name: "4-2-1", k: 4, options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    {
      name: "3-2-1 with output padding",
      k: 3,
      options: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    },
    { name: "dilated", k: 3, options: { dilations: [2, 2] } },
  ].map(
    ({ name, k, options }): Sample => ({
      ops: ["ConvTranspose"],
      name: `ConvTranspose ${name}`,
      shapes: [["n", 3, 4, 4], [3, 2, k, k], [2]],
      single: true,
      ...linear,
      build: (a, w, bias) => convTranspose(a, w, { ...options, bias }),
    }),
  ),
  {
    ops: ["ConvTranspose"],
    name: "ConvTranspose in groups",
    shapes: [
      ["n", 4, 3, 3],
      [4, 3, 2, 2],
    ],
    single: true,
    ...linear,
    build: (x, w) => convTranspose(x, w, { group: 2, strides: [2, 2] }),
  },
  {
    ops: ["BatchNormalization"],
    name: "BatchNormalization",
    shapes: [["n", 3, 4], [3], [3], [3], [3]],
    range: [0.5, 2],
    build: (x, scale, bias, mean, variance) =>
      batchNormalization(x, { scale, bias, mean, variance, epsilon: 1e-5 }),
  },
  {
    ops: ["Shape"],
    name: "Shape",
    shapes: [["n", 3]],
    ...linear,
    build: (x) => mul(x, cast(reduceSum(shapeOf(x), {}), x.dtype)),
  },
  { ops: ["Identity"], name: "Identity", shapes: [["n", 3]], ...linear, build: (x) => x },
  {
    ops: ["CustomVjp"],
    name: "customVjp",
    shapes: [["n", 3]],
    ...linear,
    build: (x) => customVjp([mul(x, 3)], [x], (g) => [mul(g!, 3)])[0]!,
  },
  ...ACTIVATION_SAMPLES,
  ...EDGE_SAMPLES,
  ...LOSS_SAMPLES,
  ...LOWERING_SAMPLES,
  ...NORMALIZATION_SAMPLES,
  ...PRODUCT_SAMPLES,
  ...SPATIAL_SAMPLES,
  {
    ops: ["Loop"],
    name: "Loop",
    shapes: [["n", 3]],
    forward: true,
    build: (x) => {
      const r = loop({ trips: scalar(3, "int64"), steps: "3", carried: [x] }, (_, [y]) => ({
        carried: [mul(y!, 2)],
        collected: [y!],
      }));
      return r.carried[0]!;
    },
  },
];
