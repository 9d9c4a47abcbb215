import { type DType, dtypeFromOnnx, dtypeToOnnx, isFloat } from "../dtype.js";
import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";

const castOp = defineOp("Cast", {
  since: 19,
  attributes: { to: "int", saturate: "int" },
  infer({ input, attributes, fail }) {
    const dtype = dtypeFromOnnx(attributes.to as number);
    return [
      { dtype: dtype ?? fail(`element type ${attributes.to} is not supported`), shape: input(0).shape },
    ];
  },
  dims: (_, of) => of(0),
  vjp: ({ input, grad }) => [isFloat(input(0).dtype) ? cast(grad, input(0).dtype) : undefined],
  simplify: ({ input, attributes }) => (dtypeToOnnx(input(0).dtype) === attributes.to ? input(0) : undefined),
});

/** Converts the elements. https://onnx.ai/onnx/operators/onnx__Cast.html */
export const cast = (x: Tensor, to: DType): Tensor => apply(castOp, [x], { to: dtypeToOnnx(to) });

export default [castOp];
