/** What the operators that act on each element share: broadcasting, its gradient, and layouts that float outward. */
import { type Dim, formatShape, type Shape, sizeOf } from "../dim.js";
import {
  type AttributeType,
  apply,
  type Backward,
  type Call,
  defineOp,
  needFloat,
  type OpEntry,
  sameDType,
  type TensorType,
} from "../op.js";
import { scalar, type Tensor } from "../tensor.js";
import { reduceSum } from "./reduce.js";
import { reshape } from "./reshape.js";
import { inverse, transpose, transposed } from "./transpose.js";

/** NumPy's broadcasting of several shapes, as ONNX defines it. */
export function broadcastShapes(call: Call, ...shapes: Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i): Dim => {
    const dims = shapes.map((s) => s[s.length - rank + i] ?? 1).filter((dim) => dim !== 1);
    if (dims.some((dim) => dim !== dims[0])) {
      call.fail(
        `the shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: axis ${i - rank} has ${[...new Set(dims)].join(" and ")}; reshape() or expand() one of them`,
      );
    }
    return dims[0] ?? 1;
  });
}

/** Sums a gradient over the axes along which an operand of that shape was broadcast. */
export function sumTo(grad: Tensor, shape: Shape): Tensor {
  const extra = grad.shape.length - shape.length;
  const axes = grad.shape.flatMap((dim, i) =>
    i < extra || (shape[i - extra] === 1 && dim !== 1) ? [i] : [],
  );
  return axes.length === 0 ? grad : reshape(reduceSum(grad, { axes }), shape);
}

interface ElementwiseDefinition {
  readonly since: number;
  readonly attributes?: Readonly<Record<string, AttributeType>>;
  /** Element type of the output; by default that of the inputs, which must agree. */
  dtype?(call: Call): TensorType["dtype"];
  readonly vjp: "none" | ((back: Backward) => readonly (Tensor | undefined)[]);
  simplify?(call: Call): Tensor | undefined;
  dims?: NonNullable<OpEntry["dims"]>;
}

/** Declares an operator that acts on each element of its broadcast inputs. */
/*#__NO_SIDE_EFFECTS__*/
export function defineElementwise(name: string, definition: ElementwiseDefinition): OpEntry {
  return defineOp(name, {
    ...definition,
    elementwise: true,
    infer(call) {
      const tensors = call.inputs.map((_, i) => call.input(i));
      const dtype = definition.dtype?.(call) ?? sameDType(call, ...tensors);
      return [{ dtype, shape: broadcastShapes(call, ...tensors.map((t) => t.shape)) }];
    },
    simplify: (call) => definition.simplify?.(call) ?? floatTranspose(call),
  });
}

// Declarations, as operators use them while modules that import each other are being loaded.

/** The rule of an operator for whole numbers that are sizes, true being 1; undefined where a size's name leaves it open. */
export function onDims(combine: (...values: Dim[]) => Dim | undefined): NonNullable<OpEntry["dims"]> {
  return (node, of) => {
    const operands = node.inputs.map((_, i) => of(i));
    if (!operands.every((values) => values !== undefined)) return undefined;
    // Of a matrix and a vector the elements do not lie side by side.
    const length = sizeOf(node.outputs[0]!.shape);
    if (operands.some((values) => values.length !== 1 && values.length !== length)) return undefined;
    const result = Array.from({ length: Number(length) }, (_, i) =>
      combine(...operands.map((values) => values[values.length === 1 ? 0 : i]!)),
    );
    return result.every((dim) => dim !== undefined) ? result : undefined;
  };
}

export function floatResult(call: Call): TensorType["dtype"] {
  return needFloat(call, call.input(0)).dtype;
}

/**
 * f(Transpose(a), Transpose(b)) = Transpose(f(a, b)): layouts float towards the outputs, where the next layer's
 * opposite Transpose cancels them. This is what keeps a network that is written in NCHW in NHWC inside.
 */
function floatTranspose(call: Call): Tensor | undefined {
  const outer = call.inputs.find((t) => t && transposed(t));
  const first = outer && { ...transposed(outer)!, shape: outer.shape };
  if (!first) return undefined;
  const inner: Tensor[] = [];
  for (const operand of call.inputs) {
    if (!operand) return undefined;
    const under = transposed(operand);
    if (under && under.perm.join() === first.perm.join()) inner.push(under.x);
    else if (operand.shape.length <= first.perm.length && operand.shape.every((dim) => dim === 1)) {
      inner.push(reshape(operand, operand.shape.length === 0 ? [] : [1]));
    } else if (isSpreadOver(operand.shape, first.shape)) {
      // The smaller one to transpose.
      inner.push(transpose(operand, inverse(first.perm)));
    } else return undefined;
  }
  return transpose(apply(call.op, inner, call.attributes), first.perm);
}

/** Of the same rank, and of size 1 wherever the other is and somewhere else too. */
const isSpreadOver = (small: Shape, large: Shape): boolean =>
  small.length === large.length &&
  small.every((dim, i) => dim === 1 || large[i] !== 1) &&
  small.some((dim, i) => dim === 1 && large[i] !== 1);

/** A scalar constant of the tensor's type. */
export const like = (tensor: Tensor, value: number): Tensor => scalar(value, tensor.dtype);
