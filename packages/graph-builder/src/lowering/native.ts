/** The readable reference, and the form for accelerators: ONNX's own Conv and ConvTranspose on [N,C,H,W]. */
import { conv, convTranspose, reduceSum, reshape } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import { normalizeBatch } from "./batch-norm.js";
import type { ConvGeometry, Lowering } from "./lowering.js";

const optionsOf = ({ stride, pad }: ConvGeometry, bias: Tensor | undefined) => ({
  strides: [stride, stride],
  pads: [pad, pad, pad, pad],
  ...(bias ? { bias } : {}),
});

/** ONNX's own Conv and ConvTranspose on [N,C,H,W]: readable, and the form for accelerators. */
export const native: Lowering = {
  target: "gpu",
  conv2d: (x, weight, bias, geometry) => conv(x, weight, optionsOf(geometry, bias)),
  convTranspose2d: (x, weight, bias, geometry) => convTranspose(x, weight, optionsOf(geometry, bias)),
  batchNorm2d(x, scale, bias, epsilon) {
    const axes = [0, 2, 3];
    return normalizeBatch(x, scale, bias, epsilon, {
      axes,
      sum: (t) => reduceSum(t, { axes }),
      spread: (t) => reshape(t, [x.shape[1]!, 1, 1]),
    });
  },
};
