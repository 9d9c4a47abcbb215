/** Normalisations, attention, embedding, dropout and running sums. */
import {
  cumSum,
  dropout,
  embed,
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  rmsNormalization,
  scaledDotProductAttention,
  type Tensor,
} from "../../src/index.js";
import { apply, applyAll } from "../../src/op.js";
import { OPS } from "../../src/ops/registry.js";
import { constant } from "../../src/tensor.js";
import type { Sample } from "./sample.js";

const single = { single: true } as const;
const node = (name: string) => OPS.get(name)!;
const attention = (
  name: string,
  options:
    | Parameters<typeof scaledDotProductAttention>[3]
    | ((scores: Tensor) => { mask: Tensor; scale: number }),
): Sample => ({
  ops: ["Softmax"],
  name: `scaledDotProductAttention ${name}`,
  shapes: [
    ["n", 2, 3, 4],
    ["n", 2, 5, 4],
    ["n", 2, 5, 2],
    ...(typeof options === "function" ? [[3, 5]] : []),
  ],
  build: (q, k, v, scores) =>
    scaledDotProductAttention(q, k, v, typeof options === "function" ? options(scores!) : options),
});
const mask = constant("bool", [3, 5], [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1]);

export const NORMALIZATION_SAMPLES: readonly Sample[] = [
  {
    ops: ["ReduceMean"],
    name: "layerNormalization",
    shapes: [
      ["n", 3, 4],
      [3, 4],
      [3, 4],
    ],
    build: (x, weight, bias) => layerNormalization(x, { axis: 1, weight, bias }),
  },
  {
    ops: ["ReduceMean"],
    name: "groupNormalization",
    shapes: [["n", 4, 2, 3], [4], [4]],
    build: (x, weight, bias) => groupNormalization(x, { groups: 2, weight, bias, epsilon: 1e-3 }),
  },
  {
    ops: ["ReduceMean"],
    name: "instanceNormalization",
    shapes: [["n", 2, 3, 4], [2], [2]],
    build: (x, weight, bias) => instanceNormalization(x, { weight, bias }),
  },
  {
    ops: ["ReduceMean"],
    name: "rmsNormalization",
    shapes: [
      ["n", 3, 4],
      [3, 4],
    ],
    build: (x, weight) => rmsNormalization(x, { axis: 1, weight, epsilon: 1e-3 }),
  },
  {
    ops: ["LayerNormalization"],
    name: "LayerNormalization",
    shapes: [["n", 3, 4], [4], [4]],
    build: (...inputs) => apply(node("LayerNormalization"), inputs, { epsilon: 1e-3 }),
  },
  {
    ops: ["LayerNormalization"],
    name: "LayerNormalization without bias, with its statistics",
    shapes: [
      ["n", 3, 4],
      [3, 4],
    ],
    ...single,
    build: (...inputs) => applyAll(node("LayerNormalization"), inputs, { axis: 1 }, 3),
  },
  {
    ops: ["InstanceNormalization"],
    name: "InstanceNormalization",
    shapes: [["n", 2, 3, 4], [2], [2]],
    ...single,
    build: (...inputs) => apply(node("InstanceNormalization"), inputs, { epsilon: 1e-2 }),
  },
  {
    ops: ["GroupNormalization"],
    name: "GroupNormalization",
    shapes: [["n", 4, 3, 2], [4], [4]],
    ...single,
    build: (...inputs) => apply(node("GroupNormalization"), inputs, { num_groups: 2, epsilon: 1e-2 }),
  },
  {
    ops: ["LpNormalization"],
    name: "LpNormalization",
    shapes: [["n", 3, 4]],
    build: (x) => apply(node("LpNormalization"), [x], { axis: 1, p: 2 }),
  },
  {
    ops: ["LpNormalization"],
    name: "LpNormalization by absolute values",
    shapes: [["n", 3]],
    apart: true,
    build: (x) => apply(node("LpNormalization"), [x], { axis: -1, p: 1 }),
  },
  attention("plain", {}),
  attention("causal", { causal: true }),
  attention("with a mask of booleans", { mask }),
  attention("with scores added, scaled", (scores) => ({ mask: scores, scale: 0.3 })),
  {
    ops: ["Gather"],
    name: "embed of repeated indices",
    shapes: [[4, 3]],
    polynomial: true,
    build: (table) => embed(constant("int32", [2, 3], [0, 2, 2, 3, 2, 0]), table),
  },
  {
    ops: ["Mul"],
    name: "dropout",
    shapes: [["n", 4]],
    polynomial: true,
    build: (x) => dropout(x, constant(x.dtype, [4], [1, 0, 1, 1]), 0.25),
  },
  ...[false, true].flatMap((exclusive) =>
    [false, true].map(
      (reverse): Sample => ({
        ops: ["CumSum"],
        name: `CumSum exclusive ${exclusive} reverse ${reverse}`,
        shapes: [["n", 4]],
        polynomial: true,
        build: (x) => cumSum(x, 1, { exclusive, reverse }),
      }),
    ),
  ),
];
