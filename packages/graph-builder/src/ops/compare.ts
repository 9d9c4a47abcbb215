/** Comparisons, logic and choice. */
import type { Dim } from "../dim.js";
import { apply, type Call, type OpEntry, type Operand, operands, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { defineElementwise, like, onDims } from "./elementwise.js";

/*#__NO_SIDE_EFFECTS__*/
function defineComparison(name: string, since: number, holds: (a: number, b: number) => boolean): OpEntry {
  return defineElementwise(name, {
    since,
    dims: onDims((a, b) => {
      if (typeof a === "number" && typeof b === "number") return holds(a, b) ? 1 : 0;
      return a === b ? (holds(0, 0) ? 1 : 0) : undefined;
    }),
    dtype: (call) => {
      sameDType(call, call.input(0), call.input(1));
      return "bool";
    },
    vjp: () => [undefined, undefined],
  });
}

const needBool = (call: Call): "bool" => {
  const other = call.inputs.find((t) => t?.dtype !== "bool");
  return other ? call.fail(`an input is ${other.dtype}, expected bool; compare first`) : "bool";
};
/*#__NO_SIDE_EFFECTS__*/
function defineLogic(name: string, since: number, holds: (a: Dim, b: Dim) => boolean): OpEntry {
  return defineElementwise(name, {
    since,
    dims: onDims((a, b) => (holds(a, b!) ? 1 : 0)),
    dtype: needBool,
    vjp: ({ inputs }) => inputs.map(() => undefined),
  });
}

const equalOp = defineComparison("Equal", 19, (a, b) => a === b);
const greaterOp = defineComparison("Greater", 13, (a, b) => a > b);
const lessOp = defineComparison("Less", 13, (a, b) => a < b);
const greaterOrEqualOp = defineComparison("GreaterOrEqual", 16, (a, b) => a >= b);
const lessOrEqualOp = defineComparison("LessOrEqual", 16, (a, b) => a <= b);
const andOp = defineLogic("And", 7, (a, b) => a === 1 && b === 1);
const orOp = defineLogic("Or", 7, (a, b) => a === 1 || b === 1);
const xorOp = defineLogic("Xor", 7, (a, b) => a !== b);
const notOp = defineLogic("Not", 1, (a) => a === 0);
const whereOp = defineElementwise("Where", {
  since: 16,
  dims: onDims((condition, a, b) => (condition === 1 ? a : b)),
  dtype: (call) => {
    if (call.input(0).dtype !== "bool")
      call.fail(`the condition is ${call.input(0).dtype}, expected bool; compare first`);
    return sameDType(call, call.input(1), call.input(2));
  },
  vjp: ({ input, grad }) => [
    undefined,
    where(input(0), grad, like(grad, 0)),
    where(input(0), like(grad, 0), grad),
  ],
});

/** bool: a = b, broadcast. https://onnx.ai/onnx/operators/onnx__Equal.html */
export const equal = (a: Operand, b: Operand): Tensor => apply(equalOp, operands(a, b));
/** bool: a > b, broadcast. https://onnx.ai/onnx/operators/onnx__Greater.html */
export const greater = (a: Operand, b: Operand): Tensor => apply(greaterOp, operands(a, b));
/** bool: a < b, broadcast. https://onnx.ai/onnx/operators/onnx__Less.html */
export const less = (a: Operand, b: Operand): Tensor => apply(lessOp, operands(a, b));
/** bool: a >= b, broadcast. https://onnx.ai/onnx/operators/onnx__GreaterOrEqual.html */
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => apply(greaterOrEqualOp, operands(a, b));
/** bool: a <= b, broadcast. https://onnx.ai/onnx/operators/onnx__LessOrEqual.html */
export const lessOrEqual = (a: Operand, b: Operand): Tensor => apply(lessOrEqualOp, operands(a, b));
/** Both of two bool tensors, broadcast. https://onnx.ai/onnx/operators/onnx__And.html */
export const and = (a: Tensor, b: Tensor): Tensor => apply(andOp, [a, b]);
/** Either of two bool tensors or both, broadcast. https://onnx.ai/onnx/operators/onnx__Or.html */
export const or = (a: Tensor, b: Tensor): Tensor => apply(orOp, [a, b]);
/** One of two bool tensors and not the other, broadcast. https://onnx.ai/onnx/operators/onnx__Xor.html */
export const xor = (a: Tensor, b: Tensor): Tensor => apply(xorOp, [a, b]);
/** The opposite of a bool tensor. https://onnx.ai/onnx/operators/onnx__Not.html */
export const not = (x: Tensor): Tensor => apply(notOp, [x]);
/** `a` where the condition holds, else `b`; all three broadcast. https://onnx.ai/onnx/operators/onnx__Where.html */
export const where = (condition: Tensor, a: Operand, b: Operand): Tensor =>
  apply(whereOp, [condition, ...operands(a, b)]);

export default [
  equalOp,
  greaterOp,
  lessOp,
  greaterOrEqualOp,
  lessOrEqualOp,
  andOp,
  orOp,
  xorOp,
  notOp,
  whereOp,
];
