/**
 * An optimizer is one entry: the tensors that it keeps for each parameter, and how it updates one of them. Graphs,
 * files and the command line ask the entry and never the name.
 */
import type { OptimizerOptions } from "@onnx-diffusion/diffusion";
import { GraphError } from "../errors.js";
import type { Tensor } from "../tensor.js";

/** A parameter and what the optimizer keeps for it. */
export interface ParameterState {
  readonly value: Tensor;
  /** In the order of `Optimizer.slots`. */
  readonly slots: readonly Tensor[];
}

/** A parameter's state after a step. */
export type UpdateParameter = (before: ParameterState, gradient: Tensor) => ParameterState;

/** An optimizer as its author writes it down. */
export interface OptimizerDefinition<O extends OptimizerOptions> {
  readonly name: string;
  /** One line for `graph-builder list`. */
  readonly description: string;
  /** The options with their defaults. Numbers are 0 or more. */
  readonly options: O;
  /** Options that must stay below a number. */
  readonly below?: Readonly<Partial<Record<keyof O, number>>>;
  /** Why options that are right one by one do not go together. */
  conflict?(options: O): string | undefined;
  /** What is kept for a parameter, of its shape and zero at first: the state tensors `<parameter>.<slot>`. */
  slots(options: O): readonly string[];
  /**
   * Whether an entry after the step depends on that entry of parameter, slots and gradient alone, so that small parameters
   * can be updated together as one vector. Default: no.
   */
  readonly elementwise?: boolean;
  /**
   * What is the same for every parameter in a step is computed here, once.
   * @param step - int32 scalar: the number of this step, from 1.
   * @param learningRate - float32 scalar.
   */
  begin(options: O, step: Tensor, learningRate: Tensor): UpdateParameter;
}

/** An optimizer with its options chosen. */
export interface Optimizer {
  readonly name: string;
  readonly options: OptimizerOptions;
  readonly slots: readonly string[];
  /** Whether several parameters can be updated as one vector. */
  readonly elementwise: boolean;
  /** The update of this step, numbered from 1 (int32 scalar), for one parameter after another. */
  begin(step: Tensor, learningRate: Tensor): UpdateParameter;
  /** The same with some options changed. @throws GraphError for an option that there is not, or its value. */
  with(changed: OptimizerOptions): Optimizer;
}

/** Makes an optimizer with some options changed. What `defineOptimizer` returns. */
export interface OptimizerFactory<O extends OptimizerOptions = OptimizerOptions> {
  readonly name: string;
  readonly description: string;
  readonly defaults: O;
  /** @throws GraphError for an option that there is not, or its value. */
  (options?: Partial<O>): Optimizer;
}

/** Declares an optimizer. The result makes it with some of its options changed: `adamw({ weightDecay: 0.1 })`. */
/*#__NO_SIDE_EFFECTS__*/
export function defineOptimizer<O extends OptimizerOptions>(
  definition: OptimizerDefinition<O>,
): OptimizerFactory<O> {
  const make = (changed: Partial<O> = {}): Optimizer => {
    for (const [option, value] of Object.entries(changed)) checkOption(definition, option, value);
    const options = { ...definition.options, ...changed };
    const conflict = definition.conflict?.(options);
    if (conflict) throw new GraphError(`${definition.name}: ${conflict}`);
    return {
      name: definition.name,
      options,
      slots: definition.slots(options),
      elementwise: definition.elementwise ?? false,
      begin: (step, learningRate) => definition.begin(options, step, learningRate),
      with: (more) => make({ ...options, ...more }),
    };
  };
  Object.defineProperty(make, "name", { value: definition.name });
  return Object.assign(make, { description: definition.description, defaults: definition.options });
}

function checkOption<O extends OptimizerOptions>(
  { name, options, below }: OptimizerDefinition<O>,
  option: string,
  value: unknown,
): void {
  if (!Object.hasOwn(options, option)) {
    throw new GraphError(
      `${name}: there is no option "${option}"; its options are: ${Object.keys(options).join(", ")}`,
    );
  }
  const limit = below?.[option] ?? Number.POSITIVE_INFINITY;
  const boolean = typeof options[option] === "boolean";
  if (boolean ? typeof value === "boolean" : typeof value === "number" && value >= 0 && value < limit) return;
  const expected = boolean
    ? "true or false"
    : `a number of 0 or more${limit < Infinity ? `, below ${limit}` : ""}`;
  throw new GraphError(`${name}: the option ${option} is ${String(value)}, expected ${expected}`);
}
