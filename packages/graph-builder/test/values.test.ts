/**
 * What the functions compute, against the definitions written out in numbers: options, defaults and the order of elements,
 * which a gradient that fits its own function says nothing about.
 */
import { expect, test } from "vitest";
import {
  add,
  argMax,
  argMin,
  averagePool,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  buildModel,
  cast,
  celu,
  clip,
  concat,
  constant,
  crossEntropy,
  cumSum,
  depthToSpace,
  dropout,
  einsum,
  elu,
  embed,
  gather,
  gatherElements,
  gatherND,
  gelu,
  geluTanh,
  gradients,
  hardSigmoid,
  hardSwish,
  input,
  int64s,
  isInfinite,
  isNotANumber,
  layerNormalization,
  leakyRelu,
  logSoftmax,
  loop,
  matmul,
  maxPool,
  mish,
  mod,
  nllLoss,
  pad,
  prelu,
  range,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  reshape,
  resize,
  rmsNormalization,
  scalar,
  scaledDotProductAttention,
  scatterElements,
  scatterND,
  selu,
  shiftLeft,
  shiftRight,
  silu,
  slice,
  softmax,
  softsign,
  spaceToDepth,
  split,
  squeeze,
  sub,
  type Tensor,
  thresholdedRelu,
  tile,
  topK,
  transpose,
  trilu,
  unsqueeze,
} from "../src/index.js";
import { apply } from "../src/op.js";
import { padAll } from "../src/ops/pad.js";
import { OPS } from "../src/ops/registry.js";
import { evaluate, floats } from "./run.js";

/** [rows, columns] of numbers. */
const f = (shape: number[], values: readonly number[]): Tensor => constant("float32", shape, values);
const i = (shape: number[], values: readonly number[]): Tensor => constant("int64", shape, values);
const v = (...values: number[]): Tensor => f([values.length], values);
const u8 = (...values: number[]): Tensor => constant("uint8", [values.length], values);

const m = f([2, 3], [1, -2, 3, -4, 5, -6]);
const line = v(-2, -0.5, 0, 0.5, 2);
const on = (formula: (x: number) => number) => [-2, -0.5, 0, 0.5, 2].map(formula);
const below = (alpha: number) => (x: number) => (x > 0 ? x : alpha * (Math.exp(x) - 1));
/** By its integral, in a thousand steps (Simpson's rule). */
function erf(x: number): number {
  const h = x / 1000;
  const at = Array.from({ length: 1001 }, (_, k) => Math.exp(-((k * h) ** 2)));
  const weights = at.map((_, k) => (k === 0 || k === 1000 ? 1 : k % 2 === 1 ? 4 : 2));
  return ((2 / Math.sqrt(Math.PI)) * h * at.reduce((sum, y, k) => sum + y * weights[k]!, 0)) / 3;
}

const phi = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;
const slopeOf = (attributes: { approximate?: string }) =>
  gradients(reduceSum(apply(OPS.get("Gelu")!, [line], attributes)), [line]);

const softmaxOf = (row: readonly number[]) => {
  const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
  return row.map((x) => Math.exp(x) / total);
};
const standard = (row: readonly number[], epsilon: number) => {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  return row.map((x) => (x - mean) / Math.sqrt(variance + epsilon));
};

const q = [
  [1, 0, 2, -1],
  [0, 1, -1, 1],
];
const k = [
  [1, 1, 0, 0],
  [0, 2, 1, 0],
];
const values = [
  [1, 10],
  [2, 20],
];
/** Attention in loops: `sees` says which keys each of the two queries looks at. */
const attended = (sees: readonly (readonly boolean[])[], scale: number) =>
  q.flatMap((query, a) => {
    const scores = k.map((key, b) =>
      sees[a]![b] ? scale * query.reduce((sum, x, e) => sum + x * key[e]!, 0) : Number.NEGATIVE_INFINITY,
    );
    const weights = softmaxOf(scores);
    return [0, 1].map((e) => weights.reduce((sum, w, b) => sum + w * values[b]![e]!, 0));
  });
const both = [
  [true, true],
  [true, true],
];
const past = [
  [true, false],
  [true, true],
];
const Q = f([1, 2, 4], q.flat());
const K = f([1, 2, 4], k.flat());
const V = f([1, 2, 2], values.flat());
const attend = (options = {}) => scaledDotProductAttention(Q, K, V, options);

const logs = [
  [0.2, 0.3, 0.5],
  [0.7, 0.2, 0.1],
  [0.25, 0.25, 0.5],
].map((row) => row.map(Math.log));
const LOGS = f([3, 3], logs.flat());
const target = i([3], [2, 0, 1]);
const losses = [-logs[0]![2]!, -logs[1]![0]!, -logs[2]![1]!] as const;
const sumOf = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0);
const weight = [1, 2, 4];

const image = f([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]);
const blocks = f([1, 4, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);

const ROWS: Readonly<Record<string, readonly [() => Tensor | readonly Tensor[], readonly number[]]>> = {
  "clip to both": [() => clip(m, { min: -3, max: 2 }), [1, -2, 2, -3, 2, -3]],
  "clip below": [() => clip(m, { min: -3 }), [1, -2, 3, -3, 5, -3]],
  "clip above": [() => clip(m, { max: 2 }), [1, -2, 2, -4, 2, -6]],
  "running sums": [() => cumSum(m, 1), [1, -1, 2, -4, 1, -5]],
  "running sums along the first axis": [() => cumSum(m, 0), [1, -2, 3, -3, 3, -3]],
  "running sums without their own": [() => cumSum(m, 1, { exclusive: true }), [0, 1, -1, 0, -4, 1]],
  "running sums from the end": [() => cumSum(m, -1, { reverse: true }), [2, 1, 3, -5, -1, -6]],
  dropout: [() => dropout(v(1, 2, 4), v(1, 0, 1), 0.75), [4, 0, 16]],
  "dropout of nothing": [() => dropout(v(1, 2), v(1, 1), 0), [1, 2]],
  embed: [() => embed(i([2, 2], [1, 0, 0, 1]), m), [-4, 5, -6, 1, -2, 3, 1, -2, 3, -4, 5, -6]],
  attention: [() => attend(), attended(both, 1 / 2)],
  "attention, scaled": [() => attend({ scale: 0.1 }), attended(both, 0.1)],
  "attention to the past": [() => attend({ causal: true }), attended(past, 1 / 2)],
  "attention where a mask says": [
    () => attend({ mask: cast(f([2, 2], [1, 0, 1, 1]), "bool") }),
    attended(past, 1 / 2),
  ],
  "attention where scores are lowered": [
    () => attend({ mask: f([2, 2], [0, -1e9, 0, 0]) }),
    attended(past, 1 / 2),
  ],
  "gather along an axis": [() => gather(m, i([2], [2, -3]), 1), [3, 1, -6, -4]],
  "gather elements": [() => gatherElements(m, i([1, 3], [1, 0, 1])), [-4, -2, -6]],
  "gather elements along an axis": [() => gatherElements(m, i([2, 1], [2, -2]), 1), [3, 5]],
  "gather by places": [() => gatherND(m, i([2, 2], [0, 2, 1, 1])), [3, 5]],
  "scatter elements": [
    () => scatterElements(m, i([1, 3], [1, 0, 1]), f([1, 3], [7, 8, 9])),
    [1, 8, 3, 7, 5, 9],
  ],
  "scatter elements, added along an axis": [
    () => scatterElements(m, i([2, 2], [0, 0, 1, 2]), f([2, 2], [1, 2, 3, 4]), 1, "add"),
    [4, -2, 3, -4, 8, -2],
  ],
  "scatter rows": [() => scatterND(m, i([1, 1], [1]), f([1, 3], [7, 8, 9])), [1, -2, 3, 7, 8, 9]],
  "scatter rows, added": [
    () => scatterND(m, i([2, 1], [1, 1]), f([2, 3], [1, 1, 1, 2, 2, 2]), "add"),
    [1, -2, 3, -1, 8, -3],
  ],
  "place of the largest": [() => argMax(m), [0, 1, 0]],
  "place of the largest along an axis": [() => argMax(m, { axis: 1 }), [2, 1]],
  "place of the smallest": [() => argMin(m, { axis: -1, keepdims: false }), [1, 2]],
  "the two largest": [() => Object.values(topK(m, 2)), [3, 1, 5, -4, 2, 0, 1, 0]],
  "the smallest along an axis": [
    () => Object.values(topK(m, 1, { axis: 0, largest: false })),
    [-4, -2, -6, 1, 0, 1],
  ],
  "upper triangle": [() => trilu(m), [1, -2, 3, 0, 5, -6]],
  "lower triangle": [() => trilu(m, { upper: false }), [1, 0, 0, -4, 5, 0]],
  "upper triangle, shifted": [() => trilu(m, { k: 1 }), [0, -2, 3, 0, 0, -6]],
  tile: [() => tile(f([1, 2], [1, 2]), [2, 2]), [1, 2, 1, 2, 1, 2, 1, 2]],
  "depth to space": [() => depthToSpace(blocks, 2), [1, 3, 2, 4, 5, 7, 6, 8]],
  "space to depth": [
    () => spaceToDepth(f([1, 1, 2, 4], [1, 3, 2, 4, 5, 7, 6, 8]), 2),
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  "depth to space of two channels, blocks first": [
    () => depthToSpace(f([1, 8, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]), 2),
    [1, 3, 5, 7, 2, 4, 6, 8],
  ],
  "depth to space of two channels, channels first": [
    () => depthToSpace(f([1, 8, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]), 2, "CRD"),
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  "mean pool, padding left out": [
    () => averagePool(image, { kernel_shape: [2, 2], pads: [0, 1, 0, 0] }),
    [2.5, 3, 4],
  ],
  "mean pool, padding counted": [
    () => averagePool(image, { kernel_shape: [2, 2], pads: [0, 1, 0, 0], count_include_pad: true }),
    [1.25, 3, 4],
  ],
  "mean pool of a last window that is cut off": [
    () => averagePool(image, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: true }),
    [3, 4.5],
  ],
  "max pool": [() => maxPool(image, { kernel_shape: [1, 2], strides: [1, 1] }), [2, 3, 5, 6]],
  "max pool with gaps": [() => maxPool(image, { kernel_shape: [1, 2], dilations: [1, 2] }), [3, 6]],
  "layer norm": [
    () => layerNormalization(f([1, 2, 3], [1, -2, 3, -4, 5, -6])),
    [...standard([1, -2, 3], 1e-5), ...standard([-4, 5, -6], 1e-5)],
  ],
  "layer norm of all, scaled": [
    () => layerNormalization(m, { axis: 0, weight: scalar(2), bias: scalar(1), epsilon: 0.5 }),
    standard([1, -2, 3, -4, 5, -6], 0.5).map((x) => 2 * x + 1),
  ],
  "root mean square norm of rows": [
    () => rmsNormalization(f([1, 1, 2], [3, 4])),
    [3, 4].map((x) => x / Math.sqrt(12.5 + 1e-5)),
  ],
  "root mean square norm": [
    () => rmsNormalization(m, { weight: v(1, 2, 3), epsilon: 0.5 }),
    [
      [1, -2, 3],
      [-4, 5, -6],
    ].flatMap((row) => {
      const square = row.reduce((sum, x) => sum + x * x, 0) / 3;
      return row.map((x, c) => ((c + 1) * x) / Math.sqrt(square + 0.5));
    }),
  ],
  "loss of classes": [() => nllLoss(LOGS, target), [sumOf(losses) / 3]],
  "loss of classes, summed": [() => nllLoss(LOGS, target, { reduction: "sum" }), [sumOf(losses)]],
  "loss of classes, one each": [() => nllLoss(LOGS, target, { reduction: "none" }), losses],
  "loss of classes, weighted": [
    () => nllLoss(LOGS, target, { weight: v(...weight) }),
    [(4 * losses[0] + losses[1] + 2 * losses[2]) / 7],
  ],
  "loss of classes but one": [() => nllLoss(LOGS, target, { ignoreIndex: 0 }), [(losses[0] + losses[2]) / 2]],
  "loss of classes that counts no class": [
    () => nllLoss(LOGS, i([3], [2, -100, 1]), { ignoreIndex: -100, weight: v(...weight) }),
    [(4 * losses[0] + 2 * losses[2]) / 6],
  ],
  "cross entropy": [
    () =>
      crossEntropy(
        f(
          [3, 3],
          logs.flat().map((x, n) => x + Math.floor(n / 3)),
        ),
        target,
      ),
    [sumOf(losses) / 3],
  ],
  softmax: [() => softmax(m), [...softmaxOf([1, -2, 3]), ...softmaxOf([-4, 5, -6])]],
  "softmax along the first axis": [
    () => softmax(m, 0),
    [0, 1, 2, 3, 4, 5].map((n) => {
      const all = [1, -2, 3, -4, 5, -6];
      return Math.exp(all[n]!) / (Math.exp(all[n % 3]!) + Math.exp(all[(n % 3) + 3]!));
    }),
  ],
  "log of softmax": [
    () => logSoftmax(m),
    [...softmaxOf([1, -2, 3]), ...softmaxOf([-4, 5, -6])].map(Math.log),
  ],
  "log of softmax along the first axis": [
    () => logSoftmax(f([2, 1], [1, 3]), 0),
    softmaxOf([1, 3]).map(Math.log),
  ],
  "slope of gelu": [
    () => slopeOf({}),
    on((x) => phi(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)),
  ],
  "slope of gelu by tanh": [
    () => slopeOf({ approximate: "tanh" }),
    on((x) => {
      const t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
      const inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
      return (1 + t) / 2 + (x / 2) * (1 - t * t) * inner;
    }),
  ],
  "depth to space of two channels and rows, channels first": [
    () => depthToSpace(f([1, 8, 2, 1], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]), 2, "CRD"),
    [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15],
  ],
  elu: [() => elu(line, 0.5), on(below(0.5))],
  "elu, usual": [() => elu(line), on(below(1))],
  selu: [() => selu(line), on((x) => 1.0507009873554805 * below(1.6732632423543772)(x))],
  celu: [() => celu(line, 2), on((x) => (x > 0 ? x : 2 * (Math.exp(x / 2) - 1)))],
  "leaky relu": [() => leakyRelu(line), on((x) => (x > 0 ? x : 0.01 * x))],
  "leaky relu, steeper": [() => leakyRelu(line, 0.3), on((x) => (x > 0 ? x : 0.3 * x))],
  "relu above a threshold": [() => thresholdedRelu(line, 0.4), on((x) => (x > 0.4 ? x : 0))],
  "relu above 1": [() => thresholdedRelu(line), on((x) => (x > 1 ? x : 0))],
  "relu with a slope": [() => prelu(line, v(0.25)), on((x) => (x > 0 ? x : 0.25 * x))],
  "hard sigmoid": [() => hardSigmoid(line), on((x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)))],
  "hard sigmoid, steeper": [
    () => hardSigmoid(line, 0.5, 0.25),
    on((x) => Math.min(1, Math.max(0, 0.5 * x + 0.25))),
  ],
  "hard swish": [() => hardSwish(line), on((x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)))],
  softsign: [() => softsign(line), on((x) => x / (1 + Math.abs(x)))],
  mish: [() => mish(line), on((x) => x * Math.tanh(Math.log1p(Math.exp(x))))],
  silu: [() => silu(line), on((x) => x / (1 + Math.exp(-x)))],
  gelu: [() => gelu(line), on((x) => (x / 2) * (1 + erf(x / Math.SQRT2)))],
  "gelu by tanh": [
    () => geluTanh(line),
    on((x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  ],
  "bits shifted": [() => [shiftLeft(u8(129, 3), u8(1, 2)), shiftRight(u8(129, 3), u8(1, 2))], [2, 12, 64, 0]],
  "bits of two": [() => [bitwiseAnd, bitwiseOr, bitwiseXor].map((op) => op(u8(12), u8(10))), [8, 14, 6]],
  "bits changed": [() => bitwiseNot(u8(12)), [243]],
  "remainder of the divisor's sign": [
    () => mod(i([4], [5, -5, 5, -5]), i([4], [3, 3, -3, -3])),
    [2, 1, -1, -2],
  ],
  "remainder of the dividend's sign": [() => mod(v(5, -5, 5), v(3, 3, -3)), [2, -2, 2]],
  "not a number": [() => isNotANumber(v(1, Number.NaN, 2)), [0, 1, 0]],
  infinite: [() => isInfinite(v(1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)), [0, 1, 1]],
  pad: [() => padAll(m, [0, 1, 0, 2], 7), [7, 1, -2, 3, 7, 7, 7, -4, 5, -6, 7, 7]],
  "pad with zeros": [() => pad(m, { axis: 0, before: 0, after: 1 }), [1, -2, 3, -4, 5, -6, 0, 0, 0]],
  "cut by a negative pad": [() => pad(m, { axis: 1, before: -1, after: 0 }), [-2, 3, 5, -6]],
  slice: [() => slice(m, { starts: [2], ends: [-4], axes: [1], steps: [-2] }), [3, 1, -6, -4]],
  "slice from beyond the end": [() => slice(v(1, 2), { starts: [5], ends: [9] }), []],
  "slice to before the start": [() => slice(v(1, 2), { starts: [0], ends: [-9] }), []],
  "slice of the first axes": [() => slice(m, { starts: [1, 1], ends: [2, 3] }), [5, -6]],
  split: [() => split(m, [1, 2], 1), [1, -4, -2, 3, 5, -6]],
  "split into one": [() => split(m, [3], 1), [1, -2, 3, -4, 5, -6]],
  squeeze: [() => squeeze(f([1, 2, 1], [1, 2])), [1, 2]],
  unsqueeze: [() => unsqueeze(m, [0, -1]), [1, -2, 3, -4, 5, -6]],
  joined: [() => concat([m, f([2, 1], [7, 8])], 1), [1, -2, 3, 7, -4, 5, -6, 8]],
  transposed: [() => transpose(f([2, 1, 3], [1, 2, 3, 4, 5, 6]), [2, 1, 0]), [1, 4, 2, 5, 3, 6]],
  "transposed as it is": [() => transpose(m, [0, 1]), [1, -2, 3, -4, 5, -6]],
  "an axis of size 1 moved": [
    () => transpose(f([1, 2, 3], [1, 2, 3, 4, 5, 6]), [1, 0, 2]),
    [1, 2, 3, 4, 5, 6],
  ],
  "vector times matrix": [() => matmul(v(1, 2), m), [-7, 8, -9]],
  "matrix times vector": [() => matmul(m, v(1, 2, 3)), [6, -12]],
  "vector times vector": [() => matmul(v(1, 2, 3), v(4, 5, 6)), [32]],
  "a sum over equal letters": [() => einsum("ij,kj->ki", m, f([1, 3], [1, 1, 2])), [5, -11]],
  "a sum by letters that are not named": [() => einsum("ba", m), [1, -4, -2, 5, 3, -6]],
  range: [() => range(1, 6, 2), [1, 3, 5]],
  "range downwards": [() => range(int64s([3]), 0, -1), [3, 2, 1]],
  "sum of rows": [() => reduceSum(m, { axes: [1] }), [2, -5]],
  "sum over no axis": [() => reduceSum(m, { axes: [] }), [1, -2, 3, -4, 5, -6]],
  "square over no axis": [() => reduceSumSquare(m, { axes: [] }), [1, 4, 9, 16, 25, 36]],
  "sums of powers over no axis": [
    () => [reduceL1, reduceL2, reduceLogSumExp].map((reduce) => reduce(v(-2, 3), { axes: [] })),
    [2, 3, 2, 3, -2, 3],
  ],
  "mean of all": [() => reduceMean(m), [-0.5]],
  "largest of columns": [() => reduceMax(m, { axes: [0] }), [1, 5, 3]],
  "smallest of all": [() => reduceMin(m), [-6]],
  "product of rows": [() => reduceProd(m, { axes: [-1] }), [-6, 120]],
  "sum of squares": [() => reduceSumSquare(m), [91]],
  "norms of rows": [
    () => [reduceL1(m, { axes: [1] }), reduceL2(m, { axes: [1], keepdims: true })],
    [6, 15, Math.sqrt(14), Math.sqrt(77)],
  ],
  "log of sums": [() => reduceLogSum(v(1, 2, 5)), [Math.log(8)]],
  "log of sums of powers": [() => reduceLogSumExp(v(1, 2)), [Math.log(Math.E + Math.E ** 2)]],
  "twice as large": [
    () =>
      resize(f([1, 1, 1, 2], [1, 2]), {
        scales: [1, 1, 2, 2],
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    [1, 1, 2, 2, 1, 1, 2, 2],
  ],
  "resized between": [
    () => resize(f([1, 1, 2], [1, 3]), { sizes: [1, 1, 4], mode: "linear" }),
    [1, 1.5, 2.5, 3],
  ],
};

test.each(Object.entries(ROWS).map(([name, row]) => [name, ...row] as const))(
  "%s",
  async (_, make, wanted) => {
    const outputs = Object.fromEntries([make()].flat().map((t, n) => [`y${n}`, t as Tensor]));
    const results = await evaluate([], outputs);
    for (const [name, t] of Object.entries(outputs)) expect(results[name]!.dims).toEqual(t.shape);
    const found = Object.values(results).flatMap(({ data }) => Array.from(data, Number));
    expect(found).toHaveLength(wanted.length);
    // float32 rounds to 6e-8; none of these has more than some ten roundings.
    found.forEach((x, n) => {
      expect(Math.abs(x - wanted[n]!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted[n]!)));
    });
  },
);

/** Numbers 0, 1, 2, ... */
const counted = (...shape: number[]) =>
  f(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => n),
  );
const turned = () => transpose(counted(2, 3, 4), [2, 0, 1]);

// The operands' layouts are not those of the files: sums are made where images lie, and turned afterwards.
test.each<[string, () => Tensor, (c: number, a: number, b: number) => number]>([
  ["turned alike", turned, (c, a, b) => 12 * a + 4 * b + c],
  ["turned otherwise", () => transpose(counted(3, 4, 2), [1, 2, 0]), (c, a, b) => 8 * b + 2 * c + a],
  ["not turned", () => counted(4, 2, 3), (c, a, b) => 6 * c + 3 * a + b],
  ["a number", () => scalar(5), () => 5],
  ["a number in brackets", () => v(5), () => 5],
  ["a number in many brackets", () => f([1, 1, 1], [5]), () => 5],
  ["along the last axis", () => counted(3), (_, __, b) => b],
  ["along the first axis", () => counted(4, 1, 1), (c) => c],
  ["along two axes", () => counted(2, 3), (_, a, b) => 3 * a + b],
  ["along the outer axes", () => counted(4, 1, 3), (c, _, b) => 3 * c + b],
])("a turned tensor and one that is %s add up", async (_, make, at) => {
  const { y, z } = await evaluate([], { y: add(turned(), make()), z: sub(make(), turned()) });
  const places = Array.from(
    { length: 24 },
    (_, n) => [Math.floor(n / 6), Math.floor(n / 3) % 2, n % 3] as const,
  );
  const own = ([c, a, b]: readonly [number, number, number]) => 12 * a + 4 * b + c;
  expect(Array.from(y!.data, Number)).toEqual(places.map((p) => own(p) + at(...p)));
  expect(Array.from(z!.data, Number)).toEqual(places.map((p) => at(...p) - own(p)));
});

test.each([false, true])("a turned tensor is summed over axes, kept: %s", async (keepdims) => {
  const { y, z } = await evaluate([], {
    y: reduceSum(turned(), { axes: [1], keepdims }),
    z: reduceSum(turned(), { axes: [0], keepdims }),
  });
  expect(y!.dims).toEqual(keepdims ? [4, 1, 3] : [4, 3]);
  expect(Array.from(y!.data, Number)).toEqual([12, 20, 28, 14, 22, 30, 16, 24, 32, 18, 26, 34]);
  expect(z!.dims).toEqual(keepdims ? [1, 2, 3] : [2, 3]);
  expect(Array.from(z!.data, Number)).toEqual([6, 22, 38, 54, 70, 86]);
});

test("an operand of more axes than the turned one", async () => {
  const { y } = await evaluate([], { y: add(turned(), f([2, 1, 1, 1], [100, 200])) });
  expect(y!.dims).toEqual([2, 4, 2, 3]);
  expect(Array.from(y!.data, Number).slice(0, 3)).toEqual([100, 104, 108]);
  expect(Number(y!.data[24])).toBe(200);
});

test("turned tensors are joined along the axis that is meant", async () => {
  const { y, z } = await evaluate([], {
    y: concat([transpose(counted(2, 3, 1), [1, 2, 0]), f([3, 1, 1], [7, 8, 9])], 2),
    z: concat([counted(2, 2), transpose(counted(2, 2), [1, 0])], 1),
  });
  expect(Array.from(y!.data, Number)).toEqual([0, 3, 7, 1, 4, 8, 2, 5, 9]);
  expect(Array.from(z!.data, Number)).toEqual([0, 1, 0, 2, 2, 3, 1, 3]);
});

test("what changes nothing makes no node", () => {
  const x = input("x", "float32", ["n", 3]);
  expect(clip(x, {})).toBe(x);
  expect(split(x, [3], 1)[0]).toBe(x);
  expect(transpose(x, [0, 1])).toBe(x);
  expect(concat([x], 0)).toBe(x);
  expect(pad(x, { axis: 0, before: 0, after: 0 })).toBe(x);
  const operators = (y: Tensor) =>
    buildModel({ name: "m", inputs: [x], outputs: { y } }).graph.nodes.map(({ opType }) => opType);
  expect(operators(transpose(unsqueeze(x, [0]), [1, 0, 2]))).not.toContain("Transpose");
  expect(operators(transpose(transpose(unsqueeze(x, [2]), [2, 1, 0]), [2, 1, 0]))).not.toContain("Transpose");
  expect(reshape(x, ["n", 3])).toBe(x);
  expect([argMax(x).shape, topK(unsqueeze(x, [0]), 2).values.shape]).toEqual([
    [1, 3],
    [1, "n", 2],
  ]);
  const { carried, collected } = loop(
    { trips: scalar(4, "int64"), steps: "four", carried: [x] },
    (_, [y]) => ({
      carried: [y!],
      collected: [y!],
    }),
  );
  expect(carried).toHaveLength(1);
  expect(collected.map((t) => t.shape)).toEqual([["four", "n", 3]]);
  expect(operators(reshape(reshape(x, [3, "n"]), ["n", 3, 1]))).toEqual(["Reshape"]);
  expect(operators(layerNormalization(x, { axis: 1 }))).toEqual(operators(layerNormalization(x)));
});

test("a size of 0 is no size to derive", async () => {
  const x = input("x", "float32", ["n", 0, 2]);
  const y = reshape(x, [0, "n"]);
  const { y: found } = await evaluate([[x, floats([3, 0, 2], [])]], { y });
  expect(found!.dims).toEqual([0, 3]);
});
