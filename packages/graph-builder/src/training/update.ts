/** What one step does to everything that training carries, once the gradients are there. */
import { add, mul } from "../ops/index.js";
import { clipByGlobalNorm } from "../optimizers/clip.js";
import { movingAverage } from "../optimizers/ema.js";
import type { UpdateRule } from "../optimizers/groups.js";
import type { UpdateParameter } from "../optimizers/optimizer.js";
import { scalar, type Tensor } from "../tensor.js";
import { isSmall, together, updatePacked } from "./packing.js";
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
  /**
   * Whether small parameters of an elementwise optimizer are updated as one vector, which is for devices where each node is a
   * launch: on CPUs it takes as long, and what waits for several gradients is kept in memory. Default: no.
   */
  readonly smallTogether?: boolean;
}

/**
 * The parameters that are trained, their optimizer tensors, the buffers given, averages and counter after a step, by
 * name; the rest of the state stays as it was.
 */
export function updateState(
  { trained, rules, state, optimizer: { clip, ema } }: UpdatePlan,
  { before, gradients: whole, buffers = new Map(), learningRate, smallTogether = false }: UpdateInputs,
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
  const latest = (name: string) => after.get(name) ?? value(name);
  const store = (rows: readonly (readonly string[])[], results: readonly (readonly Tensor[])[]) => {
    for (const [i, names] of rows.entries())
      for (const [k, name] of names.entries()) after.set(name, results[i]![k]!);
  };
  const gradientOf = new Map(trained.map((name, i) => [name, gradients[i]!]));
  const keyOf = (name: string) => {
    const rule = rules.get(name)!;
    return smallTogether && rule.optimizer.elementwise && isSmall(value(name)) ? rule : undefined;
  };
  for (const names of together(trained, keyOf)) {
    const rule = rules.get(names[0]!)!;
    const kept = (name: string) => [name, ...rule.optimizer.slots.map((slot) => `${name}.${slot}`)];
    const rows = names.map((name) => [gradientOf.get(name)!, ...kept(name).map(value)]);
    const results = updatePacked(rows, ([gradient, parameter, ...slots]) => {
      const updated = begin(rule)({ value: parameter!, slots }, gradient!);
      return [updated.value, ...updated.slots];
    });
    store(names.map(kept), results);
  }
  if (ema !== undefined) {
    const average = movingAverage(ema, step);
    const averaged = new Map(
      state.flatMap(({ name, kind, of }) => (kind === "average" ? [[name, of!] as const] : [])),
    );
    for (const names of together(
      [...averaged.keys()],
      (name) => (smallTogether && isSmall(value(name))) || undefined,
    )) {
      const rows = names.map((name) => [value(name), latest(averaged.get(name)!)]);
      const results = updatePacked(rows, ([old, now]) => [average(old!, now!)]);
      names.forEach((name, i) => void after.set(name, results[i]![0]!));
    }
  }
  return after;
}
