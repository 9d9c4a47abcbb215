import { add, greater, mul, sub, where } from "../ops/index.js";
import { defineOptimizer } from "./optimizer.js";

/**
 * Stochastic gradient descent, as torch.optim.SGD: the momentum buffer begins with the first gradient, undampened;
 * weight decay is added to the gradient.
 */
export const sgd = defineOptimizer({
  name: "sgd",
  description: "stochastic gradient descent, with momentum (Polyak 1964; Nesterov 1983) if asked for",
  options: { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false as boolean },
  conflict: ({ momentum, dampening, nesterov }) =>
    nesterov && (momentum === 0 || dampening !== 0)
      ? `nesterov needs a momentum above 0 and no dampening, found momentum ${momentum} and dampening ${dampening}`
      : undefined,
  slots: ({ momentum }) => (momentum === 0 ? [] : ["momentum_buffer"]),
  elementwise: true,
  begin({ momentum, dampening, weightDecay, nesterov }, step, learningRate) {
    const share = dampening === 0 ? 1 : where(greater(step, 1), 1 - dampening, 1);
    return ({ value, slots: [buffer] }, gradient) => {
      const whole = weightDecay === 0 ? gradient : add(gradient, mul(value, weightDecay));
      if (!buffer) return { value: sub(value, mul(whole, learningRate)), slots: [] };
      const velocity = add(mul(buffer, momentum), mul(whole, share));
      const direction = nesterov ? add(whole, mul(velocity, momentum)) : velocity;
      return { value: sub(value, mul(direction, learningRate)), slots: [velocity] };
    };
  },
});
