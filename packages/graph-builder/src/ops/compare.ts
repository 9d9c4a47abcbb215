/** Comparisons, logic and choice. */
import { apply, type Call, type OpEntry, type Operand, operands, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { defineElementwise, like } from "./elementwise.js";

/*#__NO_SIDE_EFFECTS__*/
function defineComparison(name: string, since: number): OpEntry {
  return defineElementwise(name, {
    since,
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
function defineLogic(name: string, since: number): OpEntry {
  return defineElementwise(name, {
    since,
    dtype: needBool,
    vjp: ({ inputs }) => inputs.map(() => undefined),
  });
}

const equalOp = defineComparison("Equal", 19);
const greaterOp = defineComparison("Greater", 13);
const lessOp = defineComparison("Less", 13);
const greaterOrEqualOp = defineComparison("GreaterOrEqual", 16);
const lessOrEqualOp = defineComparison("LessOrEqual", 16);
const andOp = defineLogic("And", 7);
const orOp = defineLogic("Or", 7);
const xorOp = defineLogic("Xor", 7);
const notOp = defineLogic("Not", 1);
const whereOp = defineElementwise("Where", {
  since: 16,
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
