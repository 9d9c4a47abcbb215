/** What one step does to everything that training carries, once the gradients are there. */
import { add, mul } from "../ops/index.js";
import { clipByGlobalNorm } from "../optimizers/clip.js";
import { movingAverage } from "../optimizers/ema.js";
import type { UpdateRule } from "../optimizers/groups.js";
import type { UpdateParameter } from "../optimizers/optimizer.js";
import { scalar, type Tensor } from "../tensor.js";
import { COUNTER, type UpdatePlan } from "./plan.js";

export interface BeforeUpdate {
  /** State tensors before the step, by name. */
  value(name: string): Tensor;
  /** Gradients of the trained parameters, by name. */
  gradient(name: string): Tensor;
  /** Buffers after the forward pass, by name. */
  readonly buffers: ReadonlyMap<string, Tensor>;
  /** Scalar. */
  readonly learningRate: Tensor;
}

/** Trained parameters, buffers, optimizer tensors, averages and counter after a step, by name. */
export function updateState(
  { rules, state, optimizer: { clip, ema } }: UpdatePlan,
  { value, gradient, buffers, learningRate }: BeforeUpdate,
): Map<string, Tensor> {
  const step = add(value(COUNTER.name), scalar(1, "int32"));
  const names = [...rules.keys()];
  const whole = names.map(gradient);
  const gradients = clip === undefined ? whole : clipByGlobalNorm(whole, clip).gradients;
  const begun = new Map<UpdateRule, UpdateParameter>();
  const begin = (rule: UpdateRule): UpdateParameter => {
    const known = begun.get(rule) ?? rule.optimizer.begin(step, mul(learningRate, rule.learningRateScale));
    begun.set(rule, known);
    return known;
  };
  const after = new Map<string, Tensor>([...buffers, [COUNTER.name, step]]);
  names.forEach((name, i) => {
    const rule = rules.get(name)!;
    const kept = rule.optimizer.slots.map((slot) => `${name}.${slot}`);
    const result = begin(rule)({ value: value(name), slots: kept.map(value) }, gradients[i]!);
    after.set(name, result.value);
    kept.forEach((slot, k) => {
      after.set(slot, result.slots[k]!);
    });
  });
  if (ema !== undefined) {
    const average = movingAverage(ema, step);
    for (const { name, kind, of } of state)
      if (kind === "average") after.set(name, average(value(name), after.get(of!)!));
  }
  return after;
}
