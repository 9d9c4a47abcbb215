/** Sizes that are known only when the graph runs. */
import { type Dim, isStatic, quotientOf, type Shape, symbolsOf, termsOf } from "../dim.js";
import { GraphError } from "../errors.js";
import { apply, defineOp } from "../op.js";
import { int64s, type Tensor } from "../tensor.js";
import { add, div, mul } from "./arithmetic.js";
import { concat } from "./concat.js";
import { constantValues } from "./constants.js";

const shapeOp = defineOp("Shape", {
  since: 15,
  attributes: { start: "int", end: "int" },
  infer({ input, attributes }) {
    return [{ dtype: "int64", shape: [range(input(0).shape, attributes).length] }];
  },
  dims: (node) => range(node.inputs[0]!.shape, node.attributes),
  vjp: () => [undefined],
  simplify: ({ input, attributes }) => {
    const dims = range(input(0).shape, attributes);
    return isStatic(dims) ? int64s(dims) : undefined;
  },
});

function range(shape: Shape, { start = 0, end = shape.length }: { start?: unknown; end?: unknown }): Shape {
  return shape.slice(start as number, end as number);
}

/** The sizes of the axes start..end as an int64 vector. https://onnx.ai/onnx/operators/onnx__Shape.html */
export const shapeOf = (x: Tensor, range: { start?: number; end?: number } = {}): Tensor =>
  apply(shapeOp, [x], range);

/** A named size as an int64 vector of one element, read from the input nearest to the graph's start that has it. */
function symbolTensor(symbol: string, near: readonly Tensor[]): Tensor | undefined {
  let best: Tensor | undefined;
  const has = (t: Tensor | undefined): t is Tensor => t?.shape.includes(symbol) ?? false;
  const mentions = (t: Tensor) => t.shape.some((dim) => symbolsOf(dim).includes(symbol));
  let at = near.find(has) ?? near.find(mentions);
  const seen = new Set<Tensor>();
  while (at && !seen.has(at)) {
    seen.add(at);
    if (has(at)) best = at;
    if (at.source.kind !== "node") break;
    const next: readonly (Tensor | undefined)[] = at.source.inputs;
    at = next.find(has) ?? next.find((t): t is Tensor => t !== undefined && mentions(t));
  }
  if (!best) return undefined;
  const axis = best.shape.indexOf(symbol);
  return shapeOf(best, { start: axis, end: axis + 1 });
}

/**
 * A dimension as an int64 vector of one element.
 * @param near - tensors whose shapes hold the names in it, or the whole of it.
 * @throws GraphError where they do not.
 */
export function dimTensor(dim: Dim, near: readonly Tensor[]): Tensor {
  if (typeof dim === "number") return int64s([dim]);
  const found = computed(dim, near) ?? symbolTensor(dim, near);
  if (found) return found;
  throw new GraphError(`the size "${dim}" is an axis of no tensor here; give the shape in numbers`);
}

/** The dimension from its names, where there is an axis of each. */
function computed(dim: Dim, near: readonly Tensor[]): Tensor | undefined {
  const terms: Tensor[] = [];
  for (const { coefficient, atoms } of termsOf(dim)) {
    const factors = atoms.map((atom) => atomTensor(atom, near));
    if (!factors.every((factor) => factor !== undefined)) return undefined;
    const all = coefficient === 1 && factors.length > 0 ? factors : [int64s([coefficient]), ...factors];
    terms.push(all.reduce((a, b) => mul(a, b)));
  }
  return terms.reduce((a, b) => add(a, b));
}

/** A name: an axis of some tensor, or the quotient that it stands for. */
function atomTensor(atom: string, near: readonly Tensor[]): Tensor | undefined {
  const axis = symbolTensor(atom, near);
  const quotient = axis ? undefined : quotientOf(atom);
  const dividend = quotient && computed(quotient.dividend, near);
  return dividend ? div(dividend, int64s([quotient!.divisor])) : axis;
}

/** A shape as an int64 vector. */
export function shapeTensor(shape: Shape, near: readonly Tensor[]): Tensor {
  if (isStatic(shape)) return int64s(shape);
  const parts: Tensor[] = [];
  for (const dim of shape) {
    const last = parts.at(-1);
    const known = constantValues(last);
    if (typeof dim === "number" && known) parts[parts.length - 1] = int64s([...known, dim]);
    else parts.push(dimTensor(dim, near));
  }
  return parts.length === 1 ? parts[0]! : concat(parts, 0);
}

export default [shapeOp];
