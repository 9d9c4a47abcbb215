/** Softmax and its logarithm. */
import { apply, type Backward, defineOp, needFloat, type OpEntry } from "../op.js";
import type { Tensor } from "../tensor.js";
import { mul, sub } from "./arithmetic.js";
import { normalizeAxis } from "./axes.js";
import { reduceSum } from "./reduce.js";
import { exp } from "./unary.js";

/*#__NO_SIDE_EFFECTS__*/
function defineSoftmax(
  name: string,
  rule: (grad: Tensor, y: Tensor, sum: (t: Tensor) => Tensor) => Tensor,
): OpEntry {
  return defineOp(name, {
    since: 13,
    // Before, all axes from the given one on were one.
    reads: 12,
    attributes: { axis: "int" },
    infer(call) {
      const { dtype, shape } = needFloat(call, call.input(0));
      normalizeAxis((call.attributes.axis as number | undefined) ?? -1, shape.length, call.fail);
      return [{ dtype, shape }];
    },
    // The maximum, the difference, its exponential, the sum, the quotient.
    flops: ({ outputs }, count) => 5 * count(outputs[0]!.shape),
    vjp({ grad, outputs, attributes }: Backward) {
      const axes = [(attributes.axis as number | undefined) ?? -1];
      return [rule(grad, outputs[0]!, (t) => reduceSum(t, { axes, keepdims: true }))];
    },
  });
}

const softmaxOp = defineSoftmax("Softmax", (g, y, sum) => mul(y, sub(g, sum(mul(g, y)))));
const logSoftmaxOp = defineSoftmax("LogSoftmax", (g, y, sum) => sub(g, mul(exp(y), sum(g))));

/** exp(x) / sum(exp(x)) along an axis, without overflow. https://onnx.ai/onnx/operators/onnx__Softmax.html */
export const softmax = (x: Tensor, axis = -1): Tensor =>
  apply(softmaxOp, [x], { axis: normalizeAxis(axis, x.shape.length) });

/** log(softmax(x)), exact where the softmax is near 0. https://onnx.ai/onnx/operators/onnx__LogSoftmax.html */
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  apply(logSoftmaxOp, [x], { axis: normalizeAxis(axis, x.shape.length) });

export default [softmaxOp, logSoftmaxOp];
