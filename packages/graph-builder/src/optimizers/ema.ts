import { add, cast, div, greater, max, mul, sub, where } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

/**
 * Exponential moving averages with a warm-up, as diffusers.training_utils.EMAModel: the first step takes the value itself; after
 * step n the average has min(decay, n / (n + 9)) of the one before. So it is of about the last ninth of the steps until the
 * decay has the smaller share, and what training began with is soon forgotten: with a decay of 0.999 alone, a third of the
 * average after 1,000 steps would be the first step's value.
 * @param decay - 0..1, below 1.
 * @param step - int32 scalar: the number of this step, from 1.
 * @returns the average after the step, from that before (zero at first) and the value after it.
 */
export function movingAverage(decay: number, step: Tensor): (average: Tensor, value: Tensor) => Tensor {
  const warm = div(9, add(cast(step, "float32"), 9));
  const share = where(greater(step, 1), max(warm, 1 - decay), 1);
  return (average, value) => add(average, mul(sub(value, average), share));
}
