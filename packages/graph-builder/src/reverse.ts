/** The reverse sweep: from gradients by the outputs to gradients by what they are made of. */
import { formatShape, sameShape } from "./dim.js";
import { isFloat } from "./dtype.js";
import { GraphError } from "./errors.js";
import type { Backward } from "./op.js";
import { add } from "./ops/arithmetic.js";
import { sumTo } from "./ops/elementwise.js";
import { inScope } from "./scope.js";
import { dependencies, dependents, type NodeSource, type Tensor } from "./tensor.js";

/** What a sweep is asked for. */
interface Sweep {
  /** The function that the user called, for errors. */
  readonly caller: string;
  readonly outputs: readonly Tensor[];
  /** Gradients of the final result by the outputs; undefined: the result does not depend on that one. */
  readonly seeds: readonly (Tensor | undefined)[];
  readonly wrt: readonly Tensor[];
  /** Takes the tensors of `wrt` as independent of each other, though one may be computed from another. */
  readonly partial?: boolean;
}

interface Swept {
  /** By each tensor of `wrt`; undefined where no gradient reaches it. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Operators that take a gradient and give none to a tensor computed from this one. */
  blockedFor(w: Tensor): NodeSource[];
  /** Whether the outputs are computed from it at all. */
  reaches(w: Tensor): boolean;
}

/** @throws GraphError where the way from an output to `wrt` passes an operator without a rule. */
export function sweep({ caller, outputs, seeds, wrt, partial = false }: Sweep): Swept {
  const ends = new Set(partial ? wrt : []);
  const path = [...dependents(outputs, wrt, (t) => (ends.has(t) ? [] : dependencies(t)))];
  const onPath = new Set(path);
  const collected = new Map<Tensor, Tensor>();
  const collect = (tensor: Tensor, gradient: Tensor) => {
    const sum = collected.get(tensor);
    collected.set(tensor, sum ? add(sum, gradient) : gradient);
  };
  outputs.forEach((output, i) => {
    const seed = seeds[i];
    if (seed && onPath.has(output)) collect(output, seed);
  });
  // A node's turn comes at the first of its outputs, when what uses any of them has had its own.
  const firstOutput = new Map<NodeSource, Tensor>();
  for (const tensor of path) {
    if (tensor.source.kind === "node" && !ends.has(tensor) && !firstOutput.has(tensor.source))
      firstOutput.set(tensor.source, tensor);
  }
  const blocked = new Map<Tensor, NodeSource>();
  for (const tensor of path.reverse()) {
    const node = tensor.source;
    if (node.kind !== "node" || firstOutput.get(node) !== tensor) continue;
    const grads = node.outputs.map((output) => (ends.has(output) ? undefined : collected.get(output)));
    if (grads.every((g) => g === undefined)) continue;
    const needed = node.inputs.map((t) => t !== undefined && onPath.has(t) && isFloat(t.dtype));
    const byInputs = needed.includes(true) ? pullBack(caller, node, grads, needed) : [];
    node.inputs.forEach((operand, i) => {
      if (!operand || !onPath.has(operand)) return;
      const gradient = needed[i] ? byInputs[i] : undefined;
      if (gradient) {
        checkShape(node, operand, gradient);
        collect(operand, gradient);
      } else blocked.set(operand, node);
    });
  }
  return {
    gradients: wrt.map((w) => collected.get(w)),
    blockedFor: (w) =>
      [...blocked].flatMap(([operand, node]) => (dependents([operand], [w]).size > 0 ? [node] : [])),
    reaches: (w) => onPath.has(w),
  };
}

/** Asks the operator for the gradients by its inputs. */
function pullBack(
  caller: string,
  node: NodeSource,
  grads: readonly (Tensor | undefined)[],
  needed: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const { op, scope } = node;
  const fail = (message: string): never => {
    throw new GraphError(`${caller}: ${nameOf(node)}: ${message}`);
  };
  const { vjp } = op;
  if (vjp === "none")
    return fail(
      "a gradient has to pass it, and it has no rule for that; put stopGradient() around its result, or compute it from operators that have one",
    );
  const back: Backward = {
    inputs: node.inputs,
    attributes: node.attributes,
    outputs: node.outputs,
    grads,
    get grad() {
      const other = grads.findIndex((g, i) => i > 0 && g !== undefined);
      if (other > 0)
        fail(
          `the gradient comes from output ${other}, expected output 0 alone: there is no rule for the others; put stopGradient() around output ${other}, or compute it another way`,
        );
      return grads[0]!;
    },
    input: (i) => node.inputs[i] ?? fail(`input ${i} is missing`),
    needs: (i) => needed[i] ?? false,
    fail,
  };
  return inScope(scope ? `${scope}.grad` : "grad", () => {
    const byInputs = vjp(back);
    // An operand that was broadcast gets the sum over the axes along which it was repeated.
    return op.elementwise ? byInputs.map((g, i) => g && sumTo(g, node.inputs[i]!.shape)) : byInputs;
  });
}

function checkShape(node: NodeSource, operand: Tensor, gradient: Tensor): void {
  if (sameShape(operand.shape, gradient.shape) && operand.dtype === gradient.dtype) return;
  throw new Error(
    `gradient rule of ${node.op.name}: gave ${gradient.dtype} ${formatShape(gradient.shape)} for an input of ${operand.dtype} ${formatShape(operand.shape)}`,
  );
}

/** An operator and its place, as errors name it: `Conv "down1.conv"`. */
export function nameOf({ op, scope, origin }: NodeSource): string {
  const place = origin?.name || scope;
  return place ? `${op.name} "${place}"` : op.name;
}
