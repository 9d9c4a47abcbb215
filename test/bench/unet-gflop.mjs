/** The arithmetic of a training step of unet-cond. */
import { unetCond } from "@onnx-diffusion/graph-builder";

const { channels, bottleneck, up } = unetCond().options;

/**
 * GFLOP as the convolutions define them, 2 for a multiply-add: forward, weight gradient, and input gradient of all but
 * the first. `width` is a factor on all channels, `size` that of the image.
 */
export function unetGflop({ batch, width = 1, size = 32 }) {
  const wide = (list) => list.map((c) => c * width);
  const [down, wideUp] = [[3, ...wide(channels)], wide(up)];
  let sum = 0;
  for (let i = 1; i <= 4; i++) sum += (i === 1 ? 2 : 3) * (size / 2 ** i) ** 2 * down[i - 1] * down[i] * 16;
  sum += 3 * (size / 16) ** 2 * down[4] * bottleneck * width * 9;
  for (let i = 0; i < 4; i++) {
    const joined = (i === 0 ? bottleneck * width : wideUp[i - 1]) + down[4 - i] + (i < 2 ? 10 : 0);
    sum += 3 * (size / 2 ** (4 - i)) ** 2 * joined * wideUp[i] * 16;
  }
  sum += 3 * size ** 2 * (wideUp[3] + 3) * 3;
  return (2 * batch * sum) / 1e9;
}
