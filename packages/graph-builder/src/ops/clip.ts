import { formatShape } from "../dim.js";
import { apply, defineOp, sameDType } from "../op.js";
import { scalar, type Tensor } from "../tensor.js";
import { max, min } from "./arithmetic.js";
import { gradientOf } from "./composed.js";

const clipOp = defineOp("Clip", {
  since: 13,
  formerly: { min: 1, max: 2 },
  infer(call) {
    const x = call.input(0);
    const bounds = call.inputs.slice(1).filter((t): t is Tensor => t !== undefined);
    const wrong = bounds.find((t) => t.shape.length > 0);
    if (wrong) call.fail(`a bound is ${formatShape(wrong.shape)}, expected a scalar; use min() and max()`);
    return [{ dtype: sameDType(call, x, ...bounds), shape: x.shape }];
  },
  // A value on a bound passes the gradient, as in PyTorch's clamp.
  vjp: gradientOf(([x, low, high]) => {
    const raised = low ? max(x!, low) : x!;
    return high ? min(raised, high) : raised;
  }),
});

/** x, no smaller than `min` and no larger than `max`. https://onnx.ai/onnx/operators/onnx__Clip.html */
export function clip(x: Tensor, { min, max }: { readonly min?: number; readonly max?: number }): Tensor {
  const bound = (value: number | undefined) => (value === undefined ? undefined : scalar(value, x.dtype));
  if (min === undefined && max === undefined) return x;
  return apply(clipOp, max === undefined ? [x, bound(min)] : [x, bound(min), bound(max)]);
}

export default [clipOp];
