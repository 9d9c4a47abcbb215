import { type Shape, sameShape } from "../dim.js";
import type { DType } from "../dtype.js";
import { apply, type Call, defineOp } from "../op.js";
import { scalar, type Tensor } from "../tensor.js";
import { dimsOf } from "./constants.js";
import { broadcastShapes, sumTo } from "./elementwise.js";
import { shapeTensor } from "./shape.js";

const expandOp = defineOp("Expand", {
  since: 13,
  infer: (call) => [{ dtype: call.input(0).dtype, shape: target(call) }],
  dims(node, of) {
    const [values, shape] = [of(0), dimsOf(node.inputs[1])];
    const [count] = shape ?? [];
    if (values?.length !== 1 || shape?.length !== 1 || typeof count !== "number") return undefined;
    return Array.from({ length: count }, () => values[0]!);
  },
  vjp: ({ input, grad }) => [sumTo(grad, input(0).shape), undefined],
  simplify: (call) => (sameShape(call.input(0).shape, target(call)) ? call.input(0) : undefined),
});

function target(call: Call): Shape {
  const wanted = dimsOf(call.inputs[1]);
  if (!wanted)
    return call.fail(
      "the shape input is computed when the graph runs, so the result's shape is unknown here",
    );
  return broadcastShapes(call, call.input(0).shape, wanted);
}

/**
 * Repeats along axes of size 1 (and new leading ones) up to the shape.
 * @param near - tensors whose shapes hold the names in `shape`, where `x` itself has them not.
 * https://onnx.ai/onnx/operators/onnx__Expand.html
 */
export const expand = (x: Tensor, shape: Shape, near: readonly Tensor[] = []): Tensor =>
  apply(expandOp, [x, shapeTensor(shape, [...near, x])]);

/** A tensor of one value, shaped like another. */
export const fullLike = (other: Tensor, value: number, dtype: DType = other.dtype): Tensor =>
  expand(scalar(value, dtype), other.shape, [other]);

export default [expandOp];
