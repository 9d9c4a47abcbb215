/** A mistake is named where it was made, in one line, with the way out. */
import { describe, expect, test } from "vitest";
import {
  add,
  batchNorm2d,
  Collector,
  cast,
  concat,
  constant,
  conv,
  conv2d,
  convTranspose,
  cpu,
  dropout,
  embed,
  expand,
  gather,
  gemm,
  groupNormalization,
  input,
  matmul,
  nllLoss,
  pad,
  reduceSum,
  reshape,
  resize,
  type Shape,
  scaledDotProductAttention,
  slice,
  split,
  transpose,
  where,
} from "../src/index.js";

const x = input("x", "float32", ["n", 3, 8, 8]);
const m = input("m", "float32", [2, 3]);
const i = input("i", "int32", [2]);
const params = () => new Collector({ training: true, lowering: cpu }).root;

describe.each<[string, () => unknown, string]>([
  [
    "broadcast",
    () => add(m, input("v", "float32", [2])),
    "Add: the shapes [2, 3] and [2] do not broadcast: axis -1 has 3 and 2; reshape() or expand() one of them",
  ],
  [
    "element types",
    () => add(m, input("v", "float64", [3])),
    "Add: the element types differ: float32 [2, 3] and float64 [3]; convert one with cast()",
  ],
  ["condition", () => where(m, m, m), "Where: the condition is float32, expected bool; compare first"],
  ["reshape", () => reshape(m, [4, 2]), "Reshape: [2, 3] (6 elements) does not fill [4, 2] (8 elements)"],
  [
    "named reshape",
    () => reshape(x, ["n", 5, -1]),
    "Reshape: [n, 3, 8, 8] (192*n elements) does not divide into [n, 5, -1]",
  ],
  [
    "transpose",
    () => transpose(m, [0, 0]),
    "Transpose: perm [0,0] is not a permutation of the axes of [2, 3]; name each axis once",
  ],
  ["axis", () => reduceSum(m, { axes: [2] }), "axis 2 is out of range for rank 2; expected -2..1"],
  ["axis twice", () => reduceSum(m, { axes: [1, -1] }), "axes [1,-1] name an axis of [2, 3] twice"],
  [
    "concat",
    () => concat([m, input("v", "float32", [3, 3])], 1),
    "Concat: [2, 3] and [3, 3] differ outside axis 1; only that axis may differ",
  ],
  ["split", () => split(m, [1, 1], 1), "Split: the sizes [1,1] add up to 2, axis 1 of [2, 3] has 3"],
  [
    "slice",
    () => slice(m, { starts: [0], ends: [1], steps: [0] }),
    "Slice: a step is 0; expected a positive or negative whole number",
  ],
  [
    "expand",
    () => expand(m, [2, 4]),
    "Expand: the shapes [2, 3] and [2, 4] do not broadcast: axis -1 has 3 and 4; reshape() or expand() one of them",
  ],
  [
    "gather",
    () => gather(m, cast(i, "float32")),
    "Gather: the indices are float32 [2], expected int32 or int64; convert them with cast()",
  ],
  [
    "matmul",
    () => matmul(m, m),
    "MatMul: [2, 3] times [2, 3]: the last axis of the first (3) must equal the last but one of the second (2); transpose() one of them",
  ],
  [
    "gemm",
    () => gemm(m, m, { transA: 1, transB: 1 }),
    "Gemm: the inner sizes are 2 and 3 ([2, 3]ᵀ times [2, 3]ᵀ); they must agree",
  ],
  [
    "conv",
    () => conv(x, input("w", "float32", [4, 2, 3, 3])),
    "Conv: the input has 3 channels ([n, 3, 8, 8]), the weight [4, 2, 3, 3] expects 2; give the layer before 2 channels or this one a weight for 3",
  ],
  [
    "conv kernel",
    () => conv(x, input("w", "float32", [4, 3, 9, 9])),
    "Conv: the kernel 9 does not fit the padded size 8 of spatial axis 0; pad more or shrink the kernel",
  ],
  [
    "transposed conv",
    () => convTranspose(x, input("w", "float32", [4, 2, 3, 3])),
    "ConvTranspose: the input has 3 channels ([n, 3, 8, 8]), the weight [4, 2, 3, 3] expects 4; give the layer before 4 channels or this one a weight for 3",
  ],
  [
    "conv bias",
    () => conv(x, input("w", "float32", [4, 3, 3, 3]), { bias: m }),
    "Conv: the bias is [2, 3], expected [4], one for each output channel",
  ],
  [
    "constant",
    () => constant("float32", [2, 2], [1, 2, 3]),
    "constant: 3 values do not fill the shape [2, 2] (4 elements)",
  ],
  [
    "unknown size",
    () => pad(m, { axis: 0, before: "batch", after: 0 }),
    'the size "batch" is an axis of no tensor here; give the shape in numbers',
  ],
  [
    "layer",
    () => conv2d(params().at("down1.conv"), m, { channels: 4, kernel: 3 }),
    'conv2d "down1.conv": the input is [2, 3], expected [N, C, H, W] with a known C; reshape() it',
  ],
  [
    "layer kernel",
    () => conv2d(params().at("down1.conv"), x, { channels: 4, kernel: 9 }),
    'Conv "down1.conv": the kernel 9 does not fit the padded size 8 of spatial axis 0; pad more or shrink the kernel',
  ],
  [
    "shared path",
    () => {
      const p = params();
      batchNorm2d(p.at("bn"), x);
      batchNorm2d(p.at("bn"), concat([x, x], 1));
    },
    'parameter "bn.weight": used with the shapes [3] and [6]; give the second layer a path of its own',
  ],
  [
    "attention of vectors",
    () => scaledDotProductAttention(input("q", "float32", [4]), input("k", "float32", [4]), m),
    "scaledDotProductAttention: q is [4] and k [4], expected [..., L, E] and [..., S, E] with a known E; reshape() them",
  ],
  [
    "attention of unknown width",
    () => scaledDotProductAttention(input("q", "float32", [2, "e"]), m, m),
    "scaledDotProductAttention: q is [2, e] and k [2, 3], expected [..., L, E] and [..., S, E] with a known E; reshape() them",
  ],
  ...[
    [[4], [2, 4]],
    [[2, 4], [4]],
  ].map(([a, b]): [string, () => unknown, string] => [
    `attention of [${a}] to [${b}]`,
    () => scaledDotProductAttention(input("q", "float32", a!), input("k", "float32", b!), m),
    `scaledDotProductAttention: q is [${a!.join(", ")}] and k [${b!.join(", ")}], expected [..., L, E] and [..., S, E] with a known E; reshape() them`,
  ]),
  [
    "embedding in a vector",
    () => embed(i, input("t", "float32", [4])),
    "embed: the table is [4], expected [count, E], a row for each index",
  ],
  [
    "dropout of everything",
    () => dropout(m, m, 1),
    "dropout: the rate is 1, expected 0 up to but not including 1",
  ],
  [
    "dropout of less than nothing",
    () => dropout(m, m, -0.5),
    "dropout: the rate is -0.5, expected 0 up to but not including 1",
  ],
  ...(
    [
      [[2, "c", 3], 1],
      [[2, 3], 0],
      [[2, 3], -3],
      [[], 1],
    ] satisfies [Shape, number][]
  ).map(([shape, groups]): [string, () => unknown, string] => [
    `${groups} groups of [${shape}]`,
    () => groupNormalization(input("x", "float32", shape), { groups }),
    `groupNormalization: the input is [${shape.join(", ")}], expected [N, C, ...] with C a multiple of the ${groups} groups`,
  ]),
  [
    "a loss of one axis",
    () => nllLoss(input("p", "float32", [3]), input("t", "int64", [3])),
    "nllLoss: the classes are [3] and the target [3], expected [N, C, ...] and [N, ...]",
  ],
  [
    "a loss of a number",
    () => nllLoss(input("p", "float32", []), input("t", "int64", [])),
    "nllLoss: the classes are [] and the target [], expected [N, C, ...] and [N, ...]",
  ],
  [
    "groups of channels",
    () => groupNormalization(x, { groups: 2 }),
    "groupNormalization: the input is [n, 3, 8, 8], expected [N, C, ...] with C a multiple of the 2 groups",
  ],
  [
    "a parameter of unknown size",
    () => params().at("fc").parameter("weight", ["n", 3], { kind: "constant", value: 0 }),
    'parameter "fc.weight": the shape [n, 3] depends on a size known only when the graph runs; give it in numbers',
  ],
  [
    "a named constant",
    () => constant("float32", [2, 2], [1, 2, 3], "table"),
    'constant "table": 3 values do not fill the shape [2, 2] (4 elements)',
  ],
  [
    "resizing",
    () => resize(x, { sizes: [1, 1] }),
    "Resize: expected 4 constant sizes or scales for [n, 3, 8, 8], found 2",
  ],
])("%s", (_, mistake, message) => {
  test("is named", () => {
    let found: unknown;
    try {
      mistake();
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({ name: "GraphError", message });
  });
});
