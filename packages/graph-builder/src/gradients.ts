/** Derivatives of what the handles stand for. The results are made of ordinary operators and have derivatives too. */
import { formatShape, sameShape } from "./dim.js";
import { isFloat } from "./dtype.js";
import { GraphError } from "./errors.js";
import { stopGradient } from "./ops/custom.js";
import { fullLike } from "./ops/expand.js";
import { nameOf, sweep } from "./reverse.js";
import type { Tensor } from "./tensor.js";

/** What to do where there is no gradient. */
export interface VjpOptions {
  /** What to do with a tensor that no gradient reaches: fail (default) or give zeros. */
  readonly unused?: "fail" | "zero";
}

/** Where a gradient starts, and what to do where there is none. */
export interface GradientOptions extends VjpOptions {
  /** Gradient of the final result by `loss`; ones by default, where `loss` must be a scalar. */
  readonly seed?: Tensor;
}

/**
 * d loss / d w for each `w` of `wrt`, as tensors of the same shapes.
 * @throws GraphError where the loss is no float scalar, no gradient reaches a `w`, or passes an operator without a rule.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[], options: GradientOptions = {}): Tensor[] {
  const { seed, ...rest } = options;
  if (!seed && loss.shape.length > 0) {
    throw new GraphError(
      `gradients: the loss is ${typeOf(loss)}, expected a floating-point scalar; reduce it with reduceMean() or pass a seed of its shape`,
    );
  }
  return pull("gradients", "the loss", [loss], wrt, [seed ?? fullLike(loss, 1)], rest);
}

/**
 * Vector-Jacobian products: for each `w` of `wrt` the sum over the outputs of seed * d output / d w, of the shape of `w`.
 * @param seeds - one for each output, of its type and shape.
 * @throws GraphError as `gradients` does, and for a seed that does not fit its output.
 */
export function vjp(
  outputs: readonly Tensor[],
  wrt: readonly Tensor[],
  seeds: readonly Tensor[],
  options: VjpOptions = {},
): Tensor[] {
  return pull("vjp", "an output", outputs, wrt, seeds, options);
}

/**
 * Jacobian-vector products: for each output the sum over `wrt` of d output / d w * tangent, of the output's shape. Zeros
 * for an output that does not depend on any of them. Two reverse passes (as Theano's Rop by Townsend 2017): the
 * vector-Jacobian product is linear in its seeds, and its own product by them is what is wanted.
 * @param tangents - one for each tensor of `wrt`, of its type and shape.
 * @throws GraphError as `vjp` does.
 */
export function jvp(
  outputs: readonly Tensor[],
  wrt: readonly Tensor[],
  tangents: readonly Tensor[],
  options: VjpOptions = {},
): Tensor[] {
  needSame("jvp", "tangent", tangents, wrt);
  // Under another name a zero is no constant that would be simplified away.
  const seeds = outputs.map((y) => stopGradient(fullLike(y, 0)));
  const pulled = pull("jvp", "an output", outputs, wrt, seeds, options);
  return pull("jvp", "an output", pulled, seeds, tangents, { unused: "zero" });
}

function pull(
  caller: string,
  subject: string,
  outputs: readonly Tensor[],
  wrt: readonly Tensor[],
  seeds: readonly Tensor[],
  { unused = "fail" }: VjpOptions,
): Tensor[] {
  for (const output of outputs) needFloat(caller, subject, output);
  for (const w of wrt) needFloat(caller, nameOfTensor(w), w);
  needSame(caller, "seed", seeds, outputs);
  const swept = sweep({ caller, outputs, seeds, wrt });
  return wrt.map((w, i) => {
    const gradient = swept.gradients[i];
    if (gradient) return gradient;
    if (unused === "zero") return fullLike(w, 0);
    const remedy = `leave it out, or pass { unused: "zero" }`;
    const results = outputs.length === 1 ? "the loss does" : "the outputs do";
    if (!swept.reaches(w))
      throw new GraphError(`${caller}: ${results} not depend on ${describe(w)}; ${remedy}`);
    const names = [...new Set(swept.blockedFor(w).map(nameOf))];
    throw new GraphError(
      `${caller}: no gradient reaches ${describe(w)}: each of its ways passes ${names.join(" or ")}, where the derivative is zero or there is none; compute the result another way, ${remedy}`,
    );
  });
}

function needFloat(caller: string, subject: string, t: Tensor): void {
  if (isFloat(t.dtype)) return;
  throw new GraphError(
    `${caller}: ${subject} is ${typeOf(t)}, expected floating point: whole numbers have no derivative; cast() what it is made from and go on in floating point`,
  );
}

function needSame(caller: string, what: string, given: readonly Tensor[], like: readonly Tensor[]): void {
  if (given.length !== like.length) {
    throw new GraphError(
      `${caller}: ${given.length} ${what}s are given, expected ${like.length}; give one for each tensor`,
    );
  }
  given.forEach((t, i) => {
    if (t.dtype === like[i]!.dtype && sameShape(t.shape, like[i]!.shape)) return;
    throw new GraphError(
      `${caller}: ${what} ${i} is ${typeOf(t)}, expected ${typeOf(like[i]!)}, the type of what it belongs to; cast(), expand() or reshape() it`,
    );
  });
}

const typeOf = (t: Tensor): string => `${t.dtype} ${formatShape(t.shape)}`;

function nameOfTensor({ source }: Tensor): string {
  if (source.kind === "input") return `"${source.name}"`;
  return source.kind === "node" ? `the output of ${nameOf(source)}` : "a constant";
}

const describe = (t: Tensor): string => `${nameOfTensor(t)} (${typeOf(t)})`;
