/** Adam (Kingma & Ba 2015, algorithm 1) with PyTorch's semantics: bias correction, epsilon outside the root. */
import type { StateTensor } from "@onnx-diffusion/diffusion";
import { add, cast, div, exp, greater, mul, sqrt, sub, where } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * The moments are kept as sums: exp_sum = exp_avg / (1 - beta1), exp_sum_sq = exp_avg_sq / (1 - beta2). Two passes
 * over every parameter fewer than with averages, and the same result to rounding.
 */
export const ADAM_MOMENTS = ["exp_sum", "exp_sum_sq"] as const;

/** The optimizer tensors of a parameter. */
export const adamState = (parameter: StateTensor): StateTensor[] =>
  ADAM_MOMENTS.map((moment) => ({
    name: `${parameter.name}.${moment}`,
    kind: "optimizer",
    dtype: parameter.dtype,
    shape: parameter.shape,
    initializer: { kind: "constant", value: 0 },
    of: parameter.name,
  }));

/** What is the same for every parameter in a step. */
export interface AdamStep {
  /** lr (1 - beta1) / (1 - beta1^step) / c */
  readonly rate: Tensor;
  /** epsilon / c */
  readonly epsilon: Tensor;
}

/**
 * c = sqrt((1 - beta2) / (1 - beta2^step)) turns the root of exp_sum_sq into that of the corrected average.
 * @param step - int32 scalar: the number of this step, from 1.
 */
export function adamStep(
  step: Tensor,
  learningRate: Tensor,
  { beta1, beta2, epsilon }: AdamOptions = ADAM,
): AdamStep {
  const time = cast(step, "float32");
  const c = sqrt(div(1 - beta2, oneMinusPower(beta2, time)));
  const correction = oneMinusPower(beta1, time);
  return { rate: div(mul(learningRate, 1 - beta1), mul(correction, c)), epsilon: div(epsilon, c) };
}

export interface AdamParameter {
  readonly value: Tensor;
  readonly exp_sum: Tensor;
  readonly exp_sum_sq: Tensor;
}

/** A parameter and its moments after a step. */
export function adam(
  before: AdamParameter,
  gradient: Tensor,
  { rate, epsilon }: AdamStep,
  { beta1, beta2 }: AdamOptions = ADAM,
): AdamParameter {
  const exp_sum = add(mul(before.exp_sum, beta1), gradient);
  const exp_sum_sq = add(mul(before.exp_sum_sq, beta2), mul(gradient, gradient));
  const step = div(exp_sum, add(sqrt(exp_sum_sq), epsilon));
  return { value: sub(before.value, mul(step, rate)), exp_sum, exp_sum_sq };
}

/**
 * 1 - beta^t in float32 to its last digits also where beta^t is near 1: with u = t log(beta), -expm1(u) by its
 * Taylor series for |u| < 1/2 (terms up to u^9: the rest is under 3e-10 of the sum), by exp beyond.
 */
function oneMinusPower(beta: number, time: Tensor): Tensor {
  const u = mul(time, Math.log(beta));
  let series: Tensor | undefined;
  for (let n = 9; n >= 2; n--) {
    const tail = mul(u, 1 / n);
    series = add(series ? mul(tail, series) : tail, 1);
  }
  return where(greater(u, -0.5), mul(mul(u, series!), -1), sub(1, exp(u)));
}
