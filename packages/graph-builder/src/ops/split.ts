import { formatShape, subDims } from "../dim.js";
import { applyAll, defineOp } from "../op.js";
import { int64s, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { concat } from "./concat.js";
import { constantValues } from "./constants.js";
import { fullLike } from "./expand.js";

const splitOp = defineOp("Split", {
  since: 18,
  attributes: { axis: "int", num_outputs: "int" },
  infer({ input, inputs, attributes, outputs, fail }) {
    const { dtype, shape } = input(0);
    const axis = normalizeAxis((attributes.axis as number | undefined) ?? 0, shape.length, fail);
    const whole = shape[axis]!;
    const sizes = inputs[1] ? constantValues(inputs[1]) : evenSizes(whole, outputs);
    if (!sizes) {
      const why = inputs[1]
        ? "the sizes are computed when the graph runs"
        : `axis ${axis} of ${formatShape(shape)} has no known size`;
      return fail(`${why}; give the sizes as a constant`);
    }
    const sum = sizes.reduce((a, b) => a + b, 0);
    if (subDims(whole, sum) !== 0)
      fail(`the sizes [${sizes}] add up to ${sum}, axis ${axis} of ${formatShape(shape)} has ${whole}`);
    return sizes.map((size) => ({ dtype, shape: shape.map((dim, i) => (i === axis ? size : dim)) }));
  },
  // Before 18 the number of outputs alone said how many equal parts there are.
  upgrade: ({ inputs, outputs, attributes }) =>
    inputs === 1 && attributes.num_outputs === undefined
      ? { ...attributes, num_outputs: outputs }
      : attributes,
  vjp({ attributes, outputs, grads }) {
    const parts = grads.map((g, i) => g ?? fullLike(outputs[i]!, 0));
    return [concat(parts, (attributes.axis as number | undefined) ?? 0), undefined];
  },
});

/** Equal parts, the last one smaller where they do not come out even. */
function evenSizes(whole: number | string, parts: number): number[] | undefined {
  if (typeof whole !== "number") return undefined;
  const size = Math.ceil(whole / parts);
  return Array.from({ length: parts }, (_, i) => Math.min(size, whole - i * size));
}

/** Cuts an axis into parts of the given sizes. https://onnx.ai/onnx/operators/onnx__Split.html */
export const split = (x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] =>
  sizes.length === 1
    ? [x]
    : applyAll(splitOp, [x, int64s(sizes)], { axis: normalizeAxis(axis, x.shape.length) }, sizes.length);

export default [splitOp];
