/** What an optimizer with its choices carries for a set of parameters: for any loss. */
import type { OptimizerGroup, OptimizerSpec, StateTensor } from "@onnx-diffusion/diffusion";
import { GraphError } from "../errors.js";
import { adam } from "../optimizers/adam.js";
import { type UpdateRule, updateRules } from "../optimizers/groups.js";
import type { Optimizer } from "../optimizers/optimizer.js";
import type { ParameterSpec } from "../params.js";

/** How parameters are updated. */
export interface TrainingOptions {
  /** Default: Adam. */
  readonly optimizer?: Optimizer;
  /** Parameters that are updated in another way, or not at all; the first group that matches decides. */
  readonly groups?: readonly OptimizerGroup[];
  /** Largest Euclidean norm of all gradients together; larger ones are scaled down to it. Default: no limit. */
  readonly clip?: number;
  /**
   * Decay (0..1, below 1) of a moving average of parameters and running statistics, with a warm-up (see movingAverage); the
   * average is what training exports. Default: no average.
   */
  readonly ema?: number;
}

/** What training carries, and what it does with each of it. */
export interface UpdatePlan {
  /** The parameters and buffers, frozen ones marked. */
  readonly specs: readonly ParameterSpec[];
  /** Parameters, buffers, optimizer tensors, averages, counter: what training carries, in the manifest's order. */
  readonly state: readonly StateTensor[];
  /** Names of the parameters that are trained, in the order of `specs`. */
  readonly trained: readonly string[];
  /** How each of them is updated. */
  readonly rules: ReadonlyMap<string, UpdateRule>;
  /** The choices, as the manifest describes them. */
  readonly optimizer: OptimizerSpec;
}

/** The number of the last step. */
export const COUNTER: StateTensor = {
  name: "step",
  kind: "counter",
  dtype: "int32",
  shape: [],
  initializer: { kind: "constant", value: 0 },
};

/**
 * Plans the updates of the parameters that a pass through a network has collected (`collector.ordered()`).
 * @throws GraphError for an option out of its range, a group that fits no parameter, or nothing to train.
 */
export function planUpdates(
  collected: readonly ParameterSpec[],
  { optimizer = adam(), groups = [], clip, ema }: TrainingOptions = {},
): UpdatePlan {
  if (clip !== undefined && !(clip > 0 && clip < Number.POSITIVE_INFINITY))
    throw new GraphError(`clip: found ${clip}, expected a number above 0`);
  if (ema !== undefined && !(ema >= 0 && ema < 1))
    throw new GraphError(`ema: found ${ema}, expected a number of 0 or more, below 1`);
  const parameters = collected.filter((s) => s.kind === "parameter").map((s) => s.name);
  const rules = updateRules(parameters, optimizer, groups);
  const specs = collected.map((s) =>
    s.kind === "buffer" || rules.has(s.name) ? s : { ...s, frozen: true as const },
  );
  const kept = specs.flatMap((s) =>
    (rules.get(s.name)?.optimizer.slots ?? []).map((slot) => companion(s, "optimizer", slot)),
  );
  const averages =
    ema === undefined ? [] : specs.filter((s) => !s.frozen).map((s) => companion(s, "average", "ema"));
  const plain = specs.map(({ layout: _, ...tensor }): StateTensor => tensor);
  return {
    specs,
    trained: [...rules.keys()],
    rules,
    state: [...plain, ...kept, ...averages, COUNTER],
    optimizer: {
      name: optimizer.name,
      options: optimizer.options,
      ...(groups.length > 0 ? { groups } : {}),
      ...(clip === undefined ? {} : { clip }),
      ...(ema === undefined ? {} : { ema }),
    },
  };
}

/** A tensor of a parameter's or buffer's shape beside it, zero at first. */
const companion = (
  { name, dtype, shape }: StateTensor,
  kind: "optimizer" | "average",
  suffix: string,
): StateTensor => ({
  name: `${name}.${suffix}`,
  kind,
  dtype,
  shape,
  initializer: { kind: "constant", value: 0 },
  of: name,
});
