/** The floating-point operations of the operators that multiply matrices, from their shapes. */

import type { Shapes } from "./events.js";

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Two for each multiply-add. By operator; ONNX Runtime's fused ones have their plain one's name in theirs. */
const RULES: readonly (readonly [pattern: RegExp, flops: (shapes: Shapes) => number])[] = [
  [/Gemm$/, ({ inputs: [a], outputs: [y] }) => 2 * size(y!) * (size(a!) / y![0]!)],
  [/MatMul$/, ({ inputs: [a], outputs: [y] }) => 2 * size(y!) * a!.at(-1)!],
  [/ConvTranspose$/, ({ inputs: [x, w] }) => (2 * size(x!) * size(w!)) / w![0]!],
  [/Conv$/, ({ inputs: [, w], outputs: [y] }) => (2 * size(y!) * size(w!)) / w![0]!],
];

/** Undefined for an operator that multiplies no matrices. */
export function flopsOf(operator: string, shapes: Shapes): number | undefined {
  return RULES.find(([pattern]) => pattern.test(operator))?.[1](shapes);
}
