/** Elements taken and put by an index each along one axis. */
import { formatShape } from "../dim.js";
import { apply, type Call, defineOp, type OpEntry, sameDType } from "../op.js";
import type { Attributes, Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { fullLike } from "./expand.js";

function checkIndices({ input, attributes, fail }: Call): void {
  const [x, indices] = [input(0), input(1)];
  normalizeAxis((attributes.axis as number | undefined) ?? 0, x.shape.length, fail);
  if (indices.shape.length !== x.shape.length || (indices.dtype !== "int32" && indices.dtype !== "int64")) {
    fail(
      `the indices are ${indices.dtype} ${formatShape(indices.shape)}, expected int32 or int64 of the rank of ${formatShape(x.shape)}; reshape() or cast() them`,
    );
  }
}

const gatherElementsOp: OpEntry = defineOp("GatherElements", {
  since: 13,
  attributes: { axis: "int" },
  infer(call) {
    checkIndices(call);
    return [{ dtype: call.input(0).dtype, shape: call.input(1).shape }];
  },
  vjp: ({ input, attributes, grad }) => [
    // An element that was taken often gets the sum.
    scatter(fullLike(input(0), 0, grad.dtype), input(1), grad, { ...attributes, reduction: "add" }),
    undefined,
  ],
});

const scatterElementsOp: OpEntry = defineOp("ScatterElements", {
  since: 18,
  attributes: { axis: "int", reduction: "string" },
  infer(call) {
    checkIndices(call);
    const [data, updates] = [call.input(0), call.input(2)];
    return [{ dtype: sameDType(call, data, updates), shape: data.shape }];
  },
  vjp({ input, attributes, grad, fail }) {
    const { axis, reduction = "none" } = attributes;
    const at: Attributes = axis === undefined ? {} : { axis };
    const taken = apply(gatherElementsOp, [grad, input(1)], at);
    if (reduction === "add") return [grad, undefined, taken];
    if (reduction === "none") return [scatter(grad, input(1), fullLike(input(2), 0), at), undefined, taken];
    return fail(`no gradient for the reduction "${reduction}"; use "add" or "none"`);
  },
});

const scatter = (data: Tensor, indices: Tensor, updates: Tensor, attributes: Attributes): Tensor =>
  apply(scatterElementsOp, [data, indices, updates], attributes);

/**
 * out[i][j] = x[indices[i][j]][j] for axis 0, and likewise for others.
 * https://onnx.ai/onnx/operators/onnx__GatherElements.html
 * @param indices - int32 or int64 of x's rank; negative ones count from the end.
 */
export const gatherElements = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  apply(gatherElementsOp, [x, indices], { axis: normalizeAxis(axis, x.shape.length) });

/**
 * `data` with elements replaced by `updates` or, with "add", increased by them; the counterpart of `gatherElements`.
 * Indices that repeat have no defined result but with "add".
 * https://onnx.ai/onnx/operators/onnx__ScatterElements.html
 */
export const scatterElements = (
  data: Tensor,
  indices: Tensor,
  updates: Tensor,
  axis = 0,
  reduction: "none" | "add" = "none",
): Tensor =>
  scatter(data, indices, updates, {
    axis: normalizeAxis(axis, data.shape.length),
    ...(reduction === "none" ? {} : { reduction }),
  });

export default [gatherElementsOp, scatterElementsOp];
