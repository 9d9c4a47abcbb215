import { formatShape } from "../dim.js";
import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";
import { add, mul, sub } from "./arithmetic.js";
import { reduceSum } from "./reduce.js";
import { reshape } from "./reshape.js";
import { reciprocal, sqrt } from "./unary.js";

const batchNormOp = defineOp("BatchNormalization", {
  since: 15,
  attributes: { epsilon: "float", momentum: "float", training_mode: "int" },
  infer(call) {
    const x = call.input(0);
    for (const i of [1, 2, 3, 4]) {
      const { shape } = call.input(i);
      if (shape.length !== 1 || shape[0] !== x.shape[1]) {
        call.fail(
          `input ${i} is ${formatShape(shape)}, expected [${x.shape[1]}], one for each channel of ${formatShape(x.shape)}`,
        );
      }
    }
    if (call.attributes.training_mode)
      call.fail("training_mode is not supported: no accelerator runs it; use batchNorm2d");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  // Statistics and affine map are one product and one sum for each element.
  flops: ({ outputs }, count) => 2 * count(outputs[0]!.shape),
  vjp(back) {
    const [x, scale, , mean, variance] = [0, 1, 2, 3, 4].map(back.input) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const plane = [x.shape[1]!, ...x.shape.slice(2).map(() => 1)];
    const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
    const inv = reciprocal(sqrt(add(variance, (back.attributes.epsilon as number | undefined) ?? 1e-5)));
    const slope = mul(scale, inv);
    const sum = reduceSum(back.grad, { axes });
    const centred = reduceSum(mul(back.grad, sub(x, reshape(mean, plane))), { axes });
    const dVariance = mul(mul(centred, mul(slope, mul(inv, inv))), -0.5);
    return [
      mul(back.grad, reshape(slope, plane)),
      mul(centred, inv),
      sum,
      mul(mul(sum, slope), -1),
      dVariance,
    ];
  },
});

/**
 * (x - mean) / sqrt(var + epsilon) * scale + bias for each channel of [N, C, ...], with given statistics [C].
 * https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 */
export const batchNormalization = (
  x: Tensor,
  {
    scale,
    bias,
    mean,
    variance,
    epsilon,
  }: { scale: Tensor; bias: Tensor; mean: Tensor; variance: Tensor; epsilon: number },
): Tensor => apply(batchNormOp, [x, scale, bias, mean, variance], { epsilon });

export default [batchNormOp];
