/** The floating-point operations of the operators that multiply matrices, from their shapes. */

import type { Shapes } from "./events.js";

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Two for each multiply-add. By operator; ONNX Runtime's fused ones have their plain one's name in theirs. */
const RULES: readonly (readonly [pattern: RegExp, flops: (shapes: Shapes) => number])[] = [
  [/Gemm$/, ({ inputs: [a], outputs: [y] }) => 2 * size(y!) * (size(a!) / y![0]!)],
  [/MatMul$/, ({ inputs: [a], outputs: [y] }) => 2 * size(y!) * summed(a!, y!)],
  [/ConvTranspose$/, ({ inputs: [x, w] }) => (2 * size(x!) * size(w!)) / w![0]!],
  [/Conv$/, ({ inputs: [, w], outputs: [y] }) => (2 * size(y!) * size(w!)) / w![0]!],
];

/**
 * How many terms a value of y = a b has. ONNX Runtime's FusedMatMul may have turned the axes of a, so it is what a has
 * beside y's rows. Matrices that y broadcasts have fewer axes, or axes of one.
 */
function summed(a: readonly number[], y: readonly number[]): number {
  if (a.length < y.length) return size(a.slice(-2)) / y.at(-2)!;
  const times = y.slice(0, -2).filter((_, axis) => a[axis] === 1);
  return (size(a) * size(times) * y.at(-1)!) / size(y);
}

/** Undefined for an operator that multiplies no matrices. */
export function flopsOf(operator: string, shapes: Shapes): number | undefined {
  return RULES.find(([pattern]) => pattern.test(operator))?.[1](shapes);
}
