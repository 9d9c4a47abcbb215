import { add, greater, mul, sub, where } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

/**
 * Exponential moving averages, as torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn(decay): the first step
 * takes the value itself, each later one moves the average by 1 - decay of the way to the value.
 * @param decay - 0..1, below 1.
 * @param step - int32 scalar: the number of this step, from 1.
 * @returns the average after the step, from that before (zero at first) and the value after it.
 */
export function movingAverage(decay: number, step: Tensor): (average: Tensor, value: Tensor) => Tensor {
  const share = where(greater(step, 1), 1 - decay, 1);
  return (average, value) => add(average, mul(sub(value, average), share));
}
