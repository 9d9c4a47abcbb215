import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";

const identityOp = defineOp("Identity", {
  since: 21,
  view: true,
  infer: ({ input }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
  vjp: ({ grad }) => [grad],
  dims: (_, of) => of(0),
});

/** A copy. https://onnx.ai/onnx/operators/onnx__Identity.html */
export const identity = (x: Tensor): Tensor => apply(identityOp, [x]);

export default [identityOp];
