/** Operators on whole numbers and on what is not a number. */
import { isFloat } from "../dtype.js";
import { apply, type Call, type OpEntry, type Operand, operands, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { div, mul, neg, sub } from "./arithmetic.js";
import { defineElementwise, floatResult, onDims } from "./elementwise.js";

const wholeNumbers = (call: Call) => {
  const dtype = sameDType(call, ...call.inputs.map((_, i) => call.input(i)));
  return isFloat(dtype) || dtype === "bool"
    ? call.fail(`the inputs are ${dtype}, expected whole numbers`)
    : dtype;
};

/*#__NO_SIDE_EFFECTS__*/
function defineBits(name: string, since: number): OpEntry {
  return defineElementwise(name, {
    since,
    ...(name === "BitShift" ? { attributes: { direction: "string" } } : {}),
    dtype: wholeNumbers,
    vjp: ({ inputs }) => inputs.map(() => undefined),
  });
}

const bitShiftOp = defineBits("BitShift", 11);
const bitwiseAndOp = defineBits("BitwiseAnd", 18);
const bitwiseOrOp = defineBits("BitwiseOr", 18);
const bitwiseXorOp = defineBits("BitwiseXor", 18);
const bitwiseNotOp = defineBits("BitwiseNot", 18);

const modOp = defineElementwise("Mod", {
  since: 13,
  dims: onDims((a, b) => {
    if (a === b) return 0;
    return typeof a === "number" && typeof b === "number" && a >= 0 && b > 0 ? a % b : undefined;
  }),
  attributes: { fmod: "int" },
  // a - n b with a whole n, which (a - y) / b is.
  vjp: ({ input, grad, outputs }) => [grad, neg(mul(grad, div(sub(input(0), outputs[0]!), input(1))))],
});

const isNaNOp = defineElementwise("IsNaN", {
  since: 20,
  dtype: (call) => floatResult(call) && "bool",
  vjp: () => [undefined],
});
const isInfOp = defineElementwise("IsInf", {
  since: 20,
  attributes: { detect_negative: "int", detect_positive: "int" },
  dtype: (call) => floatResult(call) && "bool",
  vjp: () => [undefined],
});

/** Bits moved to the left; those that fall out are lost. For unsigned numbers. */
export const shiftLeft = (a: Tensor, by: Tensor): Tensor => apply(bitShiftOp, [a, by], { direction: "LEFT" });
/** Bits moved to the right. For unsigned numbers. */
export const shiftRight = (a: Tensor, by: Tensor): Tensor =>
  apply(bitShiftOp, [a, by], { direction: "RIGHT" });
/** Bits that are set in both. */
export const bitwiseAnd = (a: Tensor, b: Tensor): Tensor => apply(bitwiseAndOp, [a, b]);
/** Bits that are set in either. */
export const bitwiseOr = (a: Tensor, b: Tensor): Tensor => apply(bitwiseOrOp, [a, b]);
/** Bits that are set in one of the two. */
export const bitwiseXor = (a: Tensor, b: Tensor): Tensor => apply(bitwiseXorOp, [a, b]);
/** All bits changed. */
export const bitwiseNot = (a: Tensor): Tensor => apply(bitwiseNotOp, [a]);

/**
 * The remainder of a / b: of the divisor's sign for whole numbers, of the dividend's for others (C's fmod).
 * https://onnx.ai/onnx/operators/onnx__Mod.html
 */
export function mod(a: Operand, b: Operand): Tensor {
  const both = operands(a, b);
  return apply(modOp, both, isFloat(both[0]!.dtype) ? { fmod: 1 } : {});
}

/** true where an element is not a number. */
export const isNotANumber = (x: Tensor): Tensor => apply(isNaNOp, [x]);
/** true where an element is infinite. */
export const isInfinite = (x: Tensor): Tensor => apply(isInfOp, [x]);

export default [bitShiftOp, bitwiseAndOp, bitwiseNotOp, bitwiseOrOp, bitwiseXorOp, isInfOp, isNaNOp, modOp];
