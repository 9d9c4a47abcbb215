import { apply, defineOp } from "../op.js";
import { scalar, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";

/** From which end, and whether an element counts towards its own sum. */
export interface CumSumOptions {
  /** Each sum leaves its own element out. */
  readonly exclusive?: boolean;
  /** From the end of the axis. */
  readonly reverse?: boolean;
}

const cumSumOp = defineOp("CumSum", {
  since: 14,
  attributes: { exclusive: "int", reverse: "int" },
  infer: ({ input }) => {
    const { dtype, shape } = input(0);
    return [{ dtype, shape }];
  },
  flops: ({ outputs }, count) => count(outputs[0]!.shape),
  // Element i goes into the sums from i on: the same sum of the gradients in the other direction.
  vjp: ({ grad, input, attributes }) => [
    apply(cumSumOp, [grad, input(1)], { ...attributes, reverse: attributes.reverse ? 0 : 1 }),
    undefined,
  ],
});

/** Sums of the elements up to each along an axis. https://onnx.ai/onnx/operators/onnx__CumSum.html */
export const cumSum = (
  x: Tensor,
  axis: number,
  { exclusive = false, reverse = false }: CumSumOptions = {},
): Tensor =>
  apply(cumSumOp, [x, scalar(normalizeAxis(axis, x.shape.length), "int64")], {
    exclusive: exclusive ? 1 : 0,
    reverse: reverse ? 1 : 0,
  });

export default [cumSumOp];
