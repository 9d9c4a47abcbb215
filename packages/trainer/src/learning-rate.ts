/** The learning rate of each step. */

import type { LearningRateSchedule } from "@onnx-diffusion/diffusion";

/** How the rate falls after its warm-up: the factor on it at a share (0..1) of the way to the last step. */
const FACTORS = {
  constant: () => 1,
  linear: (share: number) => 1 - share,
  cosine: (share: number) => (1 + Math.cos(Math.PI * share)) / 2,
} satisfies Record<LrScheduler, (share: number) => number>;

/** `constant`; `linear` or `cosine`: falling to 0 at the end of training. */
export type LrScheduler = LearningRateSchedule["kind"];

/** What the learning rate of a step follows from, beside the number of steps. */
export interface LearningRates {
  /** The largest: after the warm-up, and before it falls. */
  readonly learningRate: number;
  readonly lrScheduler: LrScheduler;
  /** Steps of a linear rise from 0, which the first of them has; 0: none. */
  readonly lrWarmupSteps: number;
}

/**
 * The rate of a step, as get_constant_schedule_with_warmup, get_linear_schedule_with_warmup and
 * get_cosine_schedule_with_warmup of Hugging Face's transformers and diffusers have it (optimization.py); without warm-up
 * that is torch.optim.lr_scheduler's LinearLR(1, 0) and CosineAnnealingLR over all steps.
 *
 * A rate that falls depends on where training ends. A run that is stopped and goes on to the same step has the same
 * rates; one that goes on to a later step has, from where it is, the rates of that longer training.
 *
 * @param step 1..steps.
 * @param steps the last step of training.
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, lrScheduler, lrWarmupSteps }: LearningRates,
): number {
  const done = step - 1;
  if (done < lrWarmupSteps) return (learningRate * done) / lrWarmupSteps;
  const share = (done - lrWarmupSteps) / Math.max(1, steps - lrWarmupSteps);
  return learningRate * FACTORS[lrScheduler](share);
}
