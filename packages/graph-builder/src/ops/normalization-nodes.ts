/** Normalisations as the single nodes that ONNX has for them, for files that hold them. */
import { formatShape, type Shape } from "../dim.js";
import { type DType, dtypeFromOnnx } from "../dtype.js";
import { defineOp } from "../op.js";
import type { Attributes, NodeSource, Tensor } from "../tensor.js";
import { add, div, mul, sub } from "./arithmetic.js";
import { normalizeAxis } from "./axes.js";
import { cast } from "./cast.js";
import { gradientOf } from "./composed.js";
import { groupNormalization, instanceNormalization, layerNormalization } from "./normalization.js";
import { reduceMean, reduceSum } from "./reduce.js";
import { abs, reciprocal, sqrt } from "./unary.js";

/** The attributes that are given, among others with defaults. */
const number = (attributes: Attributes, name: string, usual: number): number =>
  (attributes[name] as number | undefined) ?? usual;

/** The element type in which LayerNormalization keeps its statistics. */
const stashType = (attributes: Attributes): DType =>
  dtypeFromOnnx(number(attributes, "stash_type", 1)) ?? "float32";

const affine = (weight: Tensor | undefined, bias: Tensor | undefined) => ({
  ...(weight ? { weight } : {}),
  ...(bias ? { bias } : {}),
});

/** The sum, the difference, its square, the sum of squares, the quotient, scale and bias for each element. */
function statisticsFlops({ outputs }: NodeSource, count: (shape: Shape) => number): number {
  return 7 * count(outputs[0]!.shape);
}

const layerOp = defineOp("LayerNormalization", {
  since: 17,
  attributes: { axis: "int", epsilon: "float", stash_type: "int" },
  infer({ input, attributes, outputs, fail }) {
    const { dtype, shape } = input(0);
    const axis = normalizeAxis(number(attributes, "axis", -1), shape.length, fail);
    // The mean and the inverse deviation of each row.
    const rows: Shape = shape.map((dim, i) => (i < axis ? dim : 1));
    return [
      { dtype, shape },
      { dtype, shape: rows },
      { dtype, shape: rows },
    ].slice(0, outputs);
  },
  flops: statisticsFlops,
  vjp: gradientOf(([x, weight, bias], attributes) => {
    const first = normalizeAxis(number(attributes, "axis", -1), x!.shape.length);
    const epsilon = number(attributes, "epsilon", 1e-5);
    const over = { axes: x!.shape.flatMap((_, i) => (i >= first ? [i] : [])), keepdims: true };
    const mean = reduceMean(x!, over);
    const centred = sub(x!, mean);
    const inverse = reciprocal(sqrt(add(reduceMean(mul(centred, centred), over), epsilon)));
    const y = layerNormalization(x!, { axis: first, epsilon, ...affine(weight, bias) });
    return [y, ...[mean, inverse].map((t) => cast(t, stashType(attributes)))];
  }),
});

const instanceOp = defineOp("InstanceNormalization", {
  since: 6,
  attributes: { epsilon: "float" },
  infer: ({ input }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
  flops: statisticsFlops,
  vjp: gradientOf(([x, weight, bias], attributes) =>
    instanceNormalization(x!, { epsilon: number(attributes, "epsilon", 1e-5), ...affine(weight, bias) }),
  ),
});

const groupOp = defineOp("GroupNormalization", {
  since: 21,
  // Before, scale and bias were of a group, not of a channel.
  reads: 20,
  attributes: { epsilon: "float", num_groups: "int", stash_type: "int" },
  infer({ input, attributes, fail }) {
    const { dtype, shape } = input(0);
    const groups = number(attributes, "num_groups", 0);
    const channels = shape[1];
    if (groups < 1 || (typeof channels === "number" && channels % groups !== 0))
      fail(`the input is ${formatShape(shape)}, expected channels that divide into ${groups} groups`);
    return [{ dtype, shape }];
  },
  flops: statisticsFlops,
  vjp: gradientOf(([x, weight, bias], attributes) =>
    groupNormalization(x!, {
      groups: number(attributes, "num_groups", 1),
      epsilon: number(attributes, "epsilon", 1e-5),
      ...affine(weight, bias),
    }),
  ),
});

const lpOp = defineOp("LpNormalization", {
  since: 1,
  attributes: { axis: "int", p: "int" },
  infer({ input, attributes, fail }) {
    const { dtype, shape } = input(0);
    normalizeAxis(number(attributes, "axis", -1), shape.length, fail);
    return [{ dtype, shape }];
  },
  // The power, the sum, the quotient.
  flops: ({ outputs }, count) => 3 * count(outputs[0]!.shape),
  vjp: gradientOf(([x], attributes) => {
    const over = { axes: [number(attributes, "axis", -1)], keepdims: true };
    const norm =
      number(attributes, "p", 2) === 1 ? reduceSum(abs(x!), over) : sqrt(reduceSum(mul(x!, x!), over));
    return div(x!, norm);
  }),
});

export default [groupOp, instanceOp, layerOp, lpOp];
