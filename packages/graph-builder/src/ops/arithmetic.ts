/** Arithmetic on elements. */
import { addDims, exactDiv, floorDiv, mulDims, subDims } from "../dim.js";
import { apply, type Call, type OpEntry, type Operand, operands } from "../op.js";
import type { Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { greater, greaterOrEqual, lessOrEqual, where } from "./compare.js";
import { scalarValue } from "./constants.js";
import { defineElementwise, like, onDims } from "./elementwise.js";
import { log } from "./unary.js";

/** The other operand, where this one is the given constant scalar and so changes nothing. */
function neutral(call: Call, position: number, value: number): Tensor | undefined {
  const [a, b] = [call.input(position), call.input(1 - position)];
  return scalarValue(a) === value && a.shape.length <= b.shape.length ? b : undefined;
}

const addOp: OpEntry = defineElementwise("Add", {
  since: 14,
  dims: onDims(addDims),
  vjp: ({ grad }) => [grad, grad],
  simplify: (call) => neutral(call, 0, 0) ?? neutral(call, 1, 0),
});
const subOp: OpEntry = defineElementwise("Sub", {
  since: 14,
  dims: onDims(subDims),
  vjp: ({ grad }) => [grad, neg(grad)],
  simplify: (call) => neutral(call, 1, 0),
});
const mulOp: OpEntry = defineElementwise("Mul", {
  since: 14,
  dims: onDims(mulDims),
  vjp: ({ input, grad }) => [mul(grad, input(1)), mul(grad, input(0))],
  simplify: (call) => neutral(call, 0, 1) ?? neutral(call, 1, 1),
});
const divOp: OpEntry = defineElementwise("Div", {
  since: 14,
  dims: onDims((a, b) =>
    // Sizes are not negative: their quotients are rounded down.
    typeof b !== "number" ? exactDiv(a, b) : typeof a === "number" ? Math.trunc(a / b) : floorDiv(a, b),
  ),
  vjp: ({ input, grad, outputs }) => {
    const byA = div(grad, input(1));
    return [byA, neg(mul(byA, outputs[0]!))];
  },
  simplify: (call) => neutral(call, 1, 1),
});
const powOp: OpEntry = defineElementwise("Pow", {
  since: 15,
  dtype: (call) => call.input(0).dtype,
  vjp({ input, grad, outputs }) {
    const a = input(0);
    const n = scalarValue(input(1));
    if (n !== undefined) return [n === 0 ? undefined : mul(grad, mul(pow(a, n - 1), n)), undefined];
    // 0^b is 0 (b > 0): its derivative by b is 0, not 0 * log 0.
    const logA = where(greater(a, like(a, 0)), log(where(greater(a, like(a, 0)), a, like(a, 1))), like(a, 0));
    // The exponent may be of another type, a whole number too.
    const b = cast(input(1), a.dtype);
    return [mul(grad, mul(b, pow(a, sub(b, 1)))), cast(mul(grad, mul(outputs[0]!, logA)), input(1).dtype)];
  },
  simplify: (call) => neutral(call, 1, 1),
});
const negOp: OpEntry = defineElementwise("Neg", {
  since: 13,
  dims: (_, of) => {
    const values = of(0);
    return values?.every((d) => typeof d === "number") ? values.map((d) => -(d as number)) : undefined;
  },
  vjp: ({ grad }) => [neg(grad)],
  simplify: ({ input }) => {
    const { source } = input(0);
    return source.kind === "node" && source.op === negOp ? source.inputs[0] : undefined;
  },
});
/*#__NO_SIDE_EFFECTS__*/
function defineExtremum(
  name: string,
  pick: (...values: number[]) => number,
  wins: (x: Tensor, best: Tensor) => Tensor,
): OpEntry {
  return defineElementwise(name, {
    since: 13,
    dims: onDims((...values) => (values.every((v) => typeof v === "number") ? pick(...values) : undefined)),
    // Where operands tie, the first one takes the gradient.
    vjp({ inputs, grad, outputs }) {
      const none = like(grad, 0);
      let left = grad;
      return inputs.map((x) => {
        const won = wins(x!, outputs[0]!);
        const taken = where(won, left, none);
        left = where(won, none, left);
        return taken;
      });
    },
    simplify: ({ inputs }) => (inputs.length === 1 ? inputs[0] : undefined),
  });
}

const maxOp = defineExtremum("Max", Math.max, (x, best) => greaterOrEqual(x, best));
const minOp = defineExtremum("Min", Math.min, (x, best) => lessOrEqual(x, best));

/** a + b, broadcast. https://onnx.ai/onnx/operators/onnx__Add.html */
export const add = (a: Operand, b: Operand): Tensor => apply(addOp, operands(a, b));
/** a - b, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => apply(subOp, operands(a, b));
/** a * b, broadcast. */
export const mul = (a: Operand, b: Operand): Tensor => apply(mulOp, operands(a, b));
/** a / b, broadcast; whole numbers are divided towards zero. */
export const div = (a: Operand, b: Operand): Tensor => apply(divOp, operands(a, b));
/** a ^ b, broadcast; the type is that of `a`. */
export const pow = (a: Operand, b: Operand): Tensor => apply(powOp, operands(a, b));
/** -x. https://onnx.ai/onnx/operators/onnx__Neg.html */
export const neg = (x: Tensor): Tensor => apply(negOp, [x]);
/** The largest of the operands, broadcast; the gradient goes to the first of those that tie. */
export const max = (...xs: Operand[]): Tensor => apply(maxOp, operands(...xs));
/** The smallest of the operands, broadcast. */
export const min = (...xs: Operand[]): Tensor => apply(minOp, operands(...xs));

export default [addOp, subOp, mulOp, divOp, powOp, negOp, maxOp, minOp];
