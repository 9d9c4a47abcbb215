/** Names for tensors that change how gradients pass them; nothing of them remains in the file. */
import { applyAll, type OpEntry } from "../op.js";
import type { Tensor } from "../tensor.js";

const types = (outputs: readonly Tensor[]) => outputs.map(({ dtype, shape }) => ({ dtype, shape }));

/**
 * Gives outputs computed from `inputs` their own gradient rule, as JAX's custom_vjp does.
 * @param outputs - computed from `inputs` by any operators.
 * @param vjp - gradients by the inputs from those by the outputs (undefined: no gradient).
 * @param name - what errors call it.
 */
export function customVjp(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  vjp: (...grads: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[],
  name = "CustomVjp",
): readonly Tensor[] {
  const entry: OpEntry = {
    name,
    since: 1,
    alias: true,
    infer: () => types(outputs),
    vjp: ({ grads }) => [...outputs.map(() => undefined), ...vjp(...grads)],
  };
  return applyAll(entry, [...outputs, ...inputs], {}, outputs.length);
}

/** The same value, through which no gradient passes. */
export const stopGradient = (x: Tensor): Tensor => customVjp([x], [], () => [], "stopGradient")[0]!;
