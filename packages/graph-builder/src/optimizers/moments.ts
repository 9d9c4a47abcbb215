/** The two moments of Adam (Kingma & Ba 2015, algorithm 1) and the step that they give. */
import { add, cast, div, exp, greater, mul, sqrt, sub, where } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

export interface MomentOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const MOMENT_OPTIONS: MomentOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * The moments are kept as sums: exp_sum = exp_avg / (1 - beta1), exp_sum_sq = exp_avg_sq / (1 - beta2). Two passes
 * over every parameter fewer than with averages, and the same result to rounding.
 */
export const MOMENTS = ["exp_sum", "exp_sum_sq"] as const;

export interface MomentStep {
  /** What to take from the parameter. */
  readonly change: Tensor;
  /** The moments after the step, as {@link MOMENTS}. */
  readonly slots: readonly [Tensor, Tensor];
}

/**
 * lr * exp_avg_hat / (sqrt(exp_avg_sq_hat) + epsilon), PyTorch's form: bias correction, epsilon outside the root.
 * c = sqrt((1 - beta2) / (1 - beta2^step)) turns the root of exp_sum_sq into that of the corrected average; the rate
 * is lr (1 - beta1) / (1 - beta1^step) / c.
 */
export function momentSteps(
  step: Tensor,
  learningRate: Tensor,
  { beta1, beta2, epsilon }: MomentOptions,
): (moments: readonly Tensor[], gradient: Tensor) => MomentStep {
  const time = cast(step, "float32");
  const c = sqrt(div(1 - beta2, oneMinusPower(beta2, time)));
  const correction = oneMinusPower(beta1, time);
  const rate = div(mul(learningRate, 1 - beta1), mul(correction, c));
  const scaledEpsilon = div(epsilon, c);
  return ([sum, sumOfSquares], gradient) => {
    const exp_sum = add(mul(sum!, beta1), gradient);
    const exp_sum_sq = add(mul(sumOfSquares!, beta2), mul(gradient, gradient));
    const direction = div(exp_sum, add(sqrt(exp_sum_sq), scaledEpsilon));
    return { change: mul(direction, rate), slots: [exp_sum, exp_sum_sq] };
  };
}

/**
 * 1 - beta^t in float32 to its last digits also where beta^t is near 1: with u = t log(beta), -expm1(u) by its
 * Taylor series for |u| < 1/2 (terms up to u^9: the rest is under 3e-10 of the sum), by exp beyond.
 */
function oneMinusPower(beta: number, time: Tensor): Tensor | number {
  if (beta === 0) return 1;
  const u = mul(time, Math.log(beta));
  let series: Tensor | undefined;
  for (let n = 9; n >= 2; n--) {
    const tail = mul(u, 1 / n);
    series = add(series ? mul(tail, series) : tail, 1);
  }
  return where(greater(u, -0.5), mul(mul(u, series!), -1), sub(1, exp(u)));
}
