/** Reverse-mode differentiation over the handles. */
import { formatShape, sameShape } from "./dim.js";
import { isFloat } from "./dtype.js";
import { GraphError } from "./errors.js";
import type { Backward } from "./op.js";
import { add } from "./ops/arithmetic.js";
import { sumTo } from "./ops/elementwise.js";
import { fullLike } from "./ops/expand.js";
import { inScope } from "./scope.js";
import { dependents, type NodeSource, type Tensor } from "./tensor.js";

export interface GradientOptions {
  /** Gradient of the final result by `loss`; ones by default, where `loss` must be a scalar. */
  readonly seed?: Tensor;
  /** What to do with a tensor that the loss does not depend on: fail (default) or give zeros. */
  readonly unused?: "fail" | "zero";
}

/**
 * d loss / d w for each `w` of `wrt`, as tensors of the same shapes. They are made of ordinary operators, so they can
 * be differentiated again.
 * @throws GraphError where the loss is no float scalar, does not depend on a `w`, or passes an operator without a rule.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[], options: GradientOptions = {}): Tensor[] {
  const { seed, unused = "fail" } = options;
  if (!isFloat(loss.dtype) || (!seed && loss.shape.length > 0)) {
    throw new GraphError(
      `gradients: the loss is ${loss.dtype} ${formatShape(loss.shape)}, expected a floating-point scalar; reduce it with reduceMean() or pass a seed of its shape`,
    );
  }
  const path = [...dependents([loss], wrt)];
  const onPath = new Set(path);
  const collected = new Map<Tensor, Tensor>([[loss, seed ?? fullLike(loss, 1)]]);
  // A node's turn comes at the first of its outputs, when what uses any of them has had its own.
  const firstOutput = new Map<NodeSource, Tensor>();
  for (const tensor of path) {
    if (tensor.source.kind === "node" && !firstOutput.has(tensor.source))
      firstOutput.set(tensor.source, tensor);
  }
  for (const tensor of path.reverse()) {
    const node = tensor.source;
    if (node.kind !== "node" || firstOutput.get(node) !== tensor) continue;
    const grads = node.outputs.map((output) => collected.get(output));
    if (grads.every((g) => g === undefined)) continue;
    const needed = node.inputs.map((t) => t !== undefined && onPath.has(t) && isFloat(t.dtype));
    if (!needed.includes(true)) continue;
    const byInputs = pullBack(node, grads);
    node.inputs.forEach((operand, i) => {
      const gradient = byInputs[i];
      if (!operand || !needed[i] || !gradient) return;
      checkShape(node, operand, gradient);
      const sum = collected.get(operand);
      collected.set(operand, sum ? add(sum, gradient) : gradient);
    });
  }
  return wrt.map((w) => {
    const gradient = collected.get(w);
    if (gradient) return gradient;
    if (unused === "zero") return fullLike(w, 0);
    throw new GraphError(
      `gradients: the loss does not depend on ${describe(w)}; leave it out, or pass { unused: "zero" }`,
    );
  });
}

/** Asks the operator for the gradients by its inputs. */
function pullBack(node: NodeSource, grads: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
  const { op, scope } = node;
  const fail = (message: string): never => {
    throw new GraphError(`gradients: ${op.name}${scope ? ` "${scope}"` : ""}: ${message}`);
  };
  const { vjp } = op;
  if (vjp === "none")
    return fail("the operator has no gradient; put stopGradient() around it, or compute it another way");
  const back: Backward = {
    inputs: node.inputs,
    attributes: node.attributes,
    outputs: node.outputs,
    grads,
    get grad() {
      return grads[0] ?? fail("only a secondary output takes part in the loss; there is no rule for that");
    },
    input: (i) => node.inputs[i] ?? fail(`input ${i} is missing`),
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

function describe(t: Tensor): string {
  const { source } = t;
  const name =
    source.kind === "input"
      ? `"${source.name}"`
      : source.kind === "node"
        ? `the output of ${source.op.name} "${source.scope}"`
        : "a constant";
  return `${name} (${t.dtype} ${formatShape(t.shape)})`;
}
