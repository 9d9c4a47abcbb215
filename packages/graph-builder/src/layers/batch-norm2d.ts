import { add, batchNormalization, mul, stopGradient } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { channelsOf } from "./conv2d.js";

/** As of torch.nn.BatchNorm2d. */
export interface BatchNorm2dOptions {
  readonly epsilon?: number;
  /** Share of the batch's statistics in the new running ones. */
  readonly momentum?: number;
}

/**
 * Batch normalisation of [N,C,H,W], as torch.nn.LazyBatchNorm2d. In training by the statistics of the batch, which
 * also update `running_mean` and `running_var` (unbiased); otherwise by the running ones.
 * Parameters: `weight` and `bias` [C].
 */
export function batchNorm2d(
  p: Params,
  x: Tensor,
  { epsilon = 1e-5, momentum = 0.1 }: BatchNorm2dOptions = {},
): Tensor {
  return p.scope(() => {
    const shape = [channelsOf(x, `batchNorm2d "${p.path}"`)];
    const scale = p.parameter("weight", shape, { kind: "constant", value: 1 });
    const bias = p.parameter("bias", shape, { kind: "constant", value: 0 });
    const mean = p.buffer("running_mean", shape, { kind: "constant", value: 0 });
    const variance = p.buffer("running_var", shape, { kind: "constant", value: 1 });
    if (!p.training) return batchNormalization(x, { scale, bias, mean, variance, epsilon });
    const batch = p.lowering.batchNorm2d(x, scale, bias, epsilon);
    const blend = (running: Tensor, now: Tensor) =>
      add(mul(running, 1 - momentum), mul(stopGradient(now), momentum));
    p.update("running_mean", blend(mean, batch.mean));
    p.update("running_var", blend(variance, batch.unbiasedVariance));
    return batch.y;
  });
}
