/** What one step does to everything that training carries, once the gradients are there. */
import { add, mul } from "../ops/index.js";
import { clipByGlobalNorm } from "../optimizers/clip.js";
import { movingAverage } from "../optimizers/ema.js";
import type { UpdateRule } from "../optimizers/groups.js";
import type { UpdateParameter } from "../optimizers/optimizer.js";
import { scalar, type Tensor } from "../tensor.js";
import { COUNTER, type UpdatePlan } from "./plan.js";

/** What a step has to work with. */
export interface UpdateInputs {
  /** What training carries before the step, by name. */
  readonly before: ReadonlyMap<string, Tensor>;
  /** Of the parameters that are trained, in the order of `UpdatePlan.trained`. */
  readonly gradients: readonly Tensor[];
  /** Buffers that the forward pass has changed, by name (`collector.updates`). */
  readonly buffers?: ReadonlyMap<string, Tensor>;
  /** Scalar. */
  readonly learningRate: Tensor;
}

/**
 * The parameters that are trained, their optimizer tensors, the buffers given, averages and counter after a step, by
 * name; the rest of the state stays as it was.
 */
export function updateState(
  { trained, rules, state, optimizer: { clip, ema } }: UpdatePlan,
  { before, gradients: whole, buffers = new Map(), learningRate }: UpdateInputs,
): Map<string, Tensor> {
  const value = (name: string) => before.get(name)!;
  const step = add(value(COUNTER.name), scalar(1, "int32"));
  const gradients = clip === undefined ? whole : clipByGlobalNorm(whole, clip).gradients;
  const begun = new Map<UpdateRule, UpdateParameter>();
  const begin = (rule: UpdateRule): UpdateParameter => {
    const known = begun.get(rule) ?? rule.optimizer.begin(step, mul(learningRate, rule.learningRateScale));
    begun.set(rule, known);
    return known;
  };
  const after = new Map<string, Tensor>([...buffers, [COUNTER.name, step]]);
  trained.forEach((name, i) => {
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
      if (kind === "average") after.set(name, average(value(name), after.get(of!) ?? value(of!)));
  }
  return after;
}
