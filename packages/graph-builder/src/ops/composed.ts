/** Gradients of operators that ONNX has as one node and that others together are equal to. */

import { isFloat } from "../dtype.js";
import { vjp } from "../gradients.js";
import type { Backward } from "../op.js";
import type { Attributes, Tensor } from "../tensor.js";
import { customVjp } from "./custom.js";

/** An equal composition of other operators: the inputs and attributes to the outputs. */
export type Composition = (
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes,
) => Tensor | readonly Tensor[];

/** The gradient rule of an operator whose outputs are those of the composition. */
/*#__NO_SIDE_EFFECTS__*/
export function gradientOf(composition: Composition) {
  return ({ inputs, attributes, grads }: Backward): readonly (Tensor | undefined)[] => {
    // Handles of their own, so that one input that depends on another is not followed into it.
    const own = inputs.map((x) => (x && isFloat(x.dtype) ? customVjp([x], [x], (g) => [g])[0]! : x));
    const floats = own.filter((x): x is Tensor => x !== undefined && isFloat(x.dtype));
    const outputs = [composition(own, attributes)].flat() as Tensor[];
    const wanted = outputs.filter((_, i) => grads[i]);
    const seeds = grads.filter((g) => g !== undefined);
    const found = vjp(wanted, floats, seeds, { unused: "zero" });
    return own.map((x) => (x && isFloat(x.dtype) ? found[floats.indexOf(x)] : undefined));
  };
}
