import { add, mul, sub } from "../ops/index.js";
import { MOMENT_OPTIONS, MOMENTS, momentSteps } from "./moments.js";
import { defineOptimizer } from "./optimizer.js";

/** Adam (Kingma & Ba 2015), as torch.optim.Adam: weight decay, if any, is added to the gradient. */
export const adam = defineOptimizer({
  name: "adam",
  description: "Adam (Kingma & Ba 2015); weight decay as part of the gradient",
  options: { ...MOMENT_OPTIONS, weightDecay: 0 },
  below: { beta1: 1, beta2: 1 },
  slots: () => MOMENTS,
  elementwise: true,
  begin({ weightDecay, ...options }, step, learningRate) {
    const advance = momentSteps(step, learningRate, options);
    return ({ value, slots }, gradient) => {
      const whole = weightDecay === 0 ? gradient : add(gradient, mul(value, weightDecay));
      const { change, slots: after } = advance(slots, whole);
      return { value: sub(value, change), slots: after };
    };
  },
});
