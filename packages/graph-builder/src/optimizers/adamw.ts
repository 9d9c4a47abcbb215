import { mul, sub } from "../ops/index.js";
import { MOMENT_OPTIONS, MOMENTS, momentSteps } from "./moments.js";
import { defineOptimizer } from "./optimizer.js";

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), as torch.optim.AdamW: the parameter
 * shrinks by learning rate times weight decay beside the step, which the moments know nothing of.
 */
export const adamw = defineOptimizer({
  name: "adamw",
  description: "Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
  options: { ...MOMENT_OPTIONS, weightDecay: 0.01 },
  below: { beta1: 1, beta2: 1 },
  slots: () => MOMENTS,
  elementwise: true,
  begin({ weightDecay, ...options }, step, learningRate) {
    const advance = momentSteps(step, learningRate, options);
    const keep = weightDecay === 0 ? 1 : sub(1, mul(learningRate, weightDecay));
    return ({ value, slots }, gradient) => {
      const { change, slots: after } = advance(slots, gradient);
      return { value: sub(mul(value, keep), change), slots: after };
    };
  },
});
