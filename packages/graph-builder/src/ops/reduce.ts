/** Reductions over axes. */
import { formatShape, mulDims, type Shape } from "../dim.js";
import { GraphError } from "../errors.js";
import { apply, type Backward, type Call, defineOp, type OpEntry } from "../op.js";
import { int64s, type Tensor } from "../tensor.js";
import { div, mul, neg, sub } from "./arithmetic.js";
import { normalizeAxes } from "./axes.js";
import { cast } from "./cast.js";
import { equal } from "./compare.js";
import { concat } from "./concat.js";
import { constantValues } from "./constants.js";
import { dimAsFloat } from "./dim-as-float.js";
import { like } from "./elementwise.js";
import { expand } from "./expand.js";
import { reshape } from "./reshape.js";
import { split } from "./split.js";
import { transpose, transposed } from "./transpose.js";
import { exp, sign } from "./unary.js";

/** Over which axes, and what is left of them. */
export interface ReduceOptions {
  /** Axes to reduce; all of them by default. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with size 1. Default: false. */
  readonly keepdims?: boolean;
}

/*#__NO_SIDE_EFFECTS__*/
function defineReduction(
  name: string,
  since: number,
  rule: (back: Backward, spread: (t: Tensor) => Tensor) => Tensor,
): OpEntry {
  return defineOp(name, {
    since,
    attributes: { keepdims: "int", noop_with_empty_axes: "int" },
    formerly: { axes: 1 },
    infer(call) {
      const x = call.input(0);
      const axes = reducedAxes(call);
      const keep = call.attributes.keepdims !== 0;
      const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
      return [{ dtype: x.dtype, shape }];
    },
    flops: ({ inputs }, count) => count(inputs[0]!.shape),
    vjp(back) {
      const x = back.input(0);
      const kept = keptShape(x.shape, reducedAxes(back));
      return [rule(back, (t) => reshape(t, kept)), undefined];
    },
  });
}

function reducedAxes({ inputs, attributes, fail }: Pick<Call, "inputs" | "attributes" | "fail">): number[] {
  const shape = inputs[0]!.shape;
  const values = inputs[1] ? constantValues(inputs[1]) : [];
  if (!values) return fail("the axes are computed when the graph runs; give them as a constant");
  if (values.length === 0) return attributes.noop_with_empty_axes ? [] : shape.map((_, i) => i);
  return normalizeAxes(values, shape, fail);
}

const keptShape = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((dim, i) => (axes.includes(i) ? 1 : dim));

/** The number of elements that go into each result, as a float scalar. */
function count(x: Tensor, axes: readonly number[]): Tensor | number {
  const size = axes.map((axis) => x.shape[axis]!).reduce(mulDims, 1);
  return typeof size === "number" ? size : dimAsFloat(size, x);
}

/** Shares the gradient evenly among the elements that equal the result (as PyTorch's amax). */
const extremum = (
  { input, grad, outputs }: Backward,
  spread: (t: Tensor) => Tensor,
  axes: readonly number[],
): Tensor => {
  const x = input(0);
  const winners = cast(equal(x, spread(outputs[0]!)), x.dtype);
  return mul(
    winners,
    spread(div(reshape(grad, keptShape(x.shape, axes)), reduceSum(winners, { axes, keepdims: true }))),
  );
};

const sumOp = defineReduction("ReduceSum", 13, ({ input, grad }, spread) =>
  expand(spread(grad), input(0).shape, [input(0)]),
);
const meanOp = defineReduction("ReduceMean", 18, (back, spread) => {
  const x = back.input(0);
  return expand(div(spread(back.grad), count(x, reducedAxes(back))), x.shape, [x]);
});
const maxOp = defineReduction("ReduceMax", 20, (back, spread) => extremum(back, spread, reducedAxes(back)));
const minOp = defineReduction("ReduceMin", 20, (back, spread) => extremum(back, spread, reducedAxes(back)));
const logSumExpOp = defineReduction("ReduceLogSumExp", 18, ({ input, grad, outputs }, spread) =>
  mul(spread(grad), exp(sub(input(0), spread(outputs[0]!)))),
);

const sumSquareOp = defineReduction("ReduceSumSquare", 18, ({ input, grad }, spread) =>
  mul(spread(grad), mul(input(0), 2)),
);
const l1Op = defineReduction("ReduceL1", 18, ({ input, grad }, spread) => mul(spread(grad), sign(input(0))));
const l2Op = defineReduction("ReduceL2", 18, ({ input, grad, outputs }, spread) =>
  mul(spread(div(grad, outputs[0]!)), input(0)),
);
const logSumOp = defineReduction("ReduceLogSum", 18, ({ input, grad, outputs }, spread) =>
  expand(spread(mul(grad, exp(neg(outputs[0]!)))), input(0).shape, [input(0)]),
);
const prodOp = defineReduction("ReduceProd", 18, (back, spread) => {
  const x = back.input(0);
  const axes = reducedAxes(back);
  return mul(spread(back.grad), othersAlong(x, axes));
});

/** The first one, and its products with ever more of the others. */
function products(first: Tensor, others: readonly Tensor[]): Tensor[] {
  const all = [first];
  for (const t of others) all.push(mul(all.at(-1)!, t));
  return all;
}

/** For each element the product of the others that go into its result. Zeros take no division this way. */
function othersAlong(x: Tensor, axes: readonly number[]): Tensor {
  return axes.reduce<{ others: Tensor; all: Tensor }>(
    ({ others, all }, axis) => {
      const size = all.shape[axis];
      if (typeof size !== "number")
        throw new GraphError(
          `gradients: ReduceProd: axis ${axis} of ${formatShape(x.shape)} has no known size; give it in numbers`,
        );
      const parts = split(all, Array<number>(size).fill(1), axis);
      const before = products(like(all, 1), parts);
      const after = products(like(all, 1), [...parts].reverse());
      const rest = parts.map((_, i) => mul(before[i]!, after[size - 1 - i]!));
      const along = rest.length === 1 ? expand(rest[0]!, parts[0]!.shape, [x]) : concat(rest, axis);
      return { others: mul(others, along), all: before.at(-1)! };
    },
    { others: like(x, 1), all: x },
  ).others;
}

/** Reductions that leave an element as it is. */
const leavesAlone = (op: OpEntry): boolean => [sumOp, meanOp, maxOp, minOp, prodOp].includes(op);

function reduce(op: OpEntry, x: Tensor, { axes, keepdims = false }: ReduceOptions): Tensor {
  // To ONNX no axes are all of them: those of no axis here are sums of one element.
  if (axes?.length === 0)
    return leavesAlone(op) ? x : reduce(op, reshape(x, [...x.shape, 1]), { axes: [-1] });
  const some = axes && normalizeAxes(axes, x.shape);
  const under = transposed(x);
  if (under && some) {
    // The layout floats outward here too: reduced where it lies, what remains is smaller to transpose.
    const inner = reduce(op, under.x, { axes: some.map((axis) => under.perm[axis]!), keepdims });
    const left = keepdims ? under.perm : under.perm.filter((_, i) => !some.includes(i));
    const order = [...left].sort((a, b) => a - b);
    return transpose(
      inner,
      left.map((axis) => order.indexOf(axis)),
    );
  }
  const all = some === undefined || some.length === x.shape.length;
  return apply(op, all ? [x] : [x, int64s(some)], { keepdims: keepdims ? 1 : 0 });
}

/** Sum over axes. https://onnx.ai/onnx/operators/onnx__ReduceSum.html */
export const reduceSum = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(sumOp, x, options);
/** Mean over axes. */
export const reduceMean = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(meanOp, x, options);
/** Largest element; the gradient is shared by those that tie. */
export const reduceMax = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(maxOp, x, options);
/** Smallest element; the gradient is shared by those that tie. */
export const reduceMin = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(minOp, x, options);
/** log(sum(exp(x))) without overflow. */
export const reduceLogSumExp = (x: Tensor, options: ReduceOptions = {}): Tensor =>
  reduce(logSumExpOp, x, options);

/** Sum of squares. */
export const reduceSumSquare = (x: Tensor, options: ReduceOptions = {}): Tensor =>
  reduce(sumSquareOp, x, options);
/** Sum of absolute values. */
export const reduceL1 = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(l1Op, x, options);
/** Euclidean norm; no slope where it is 0. */
export const reduceL2 = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(l2Op, x, options);
/** Logarithm of the sum. */
export const reduceLogSum = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(logSumOp, x, options);
/** Product; its gradient needs axes of known sizes. */
export const reduceProd = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce(prodOp, x, options);

export default [sumOp, meanOp, maxOp, minOp, logSumExpOp, sumSquareOp, l1Op, l2Op, logSumOp, prodOp];
