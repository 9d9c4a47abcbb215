import { formatShape, sizeOf } from "../dim.js";
import { apply, type Call, defineOp, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { broadcastShapes, sumTo } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { transpose } from "./transpose.js";

const matmulOp = defineOp("MatMul", {
  since: 13,
  infer(call) {
    const [a, b] = [call.input(0), call.input(1)];
    const dtype = sameDType(call, a, b);
    if (a.shape.length === 0 || b.shape.length === 0) call.fail("an operand is a scalar; use mul()");
    const [left, right] = [
      a.shape.length === 1 ? [1, ...a.shape] : a.shape,
      b.shape.length === 1 ? [...b.shape, 1] : b.shape,
    ];
    if (left.at(-1) !== right.at(-2)) {
      call.fail(
        `${formatShape(a.shape)} times ${formatShape(b.shape)}: the last axis of the first (${left.at(-1)}) must equal the ${b.shape.length === 1 ? "length" : "last but one"} of the second (${right.at(-2)}); transpose() one of them`,
      );
    }
    const batch = broadcastShapes(call, left.slice(0, -2), right.slice(0, -2));
    const rows = a.shape.length === 1 ? [] : [left.at(-2)!];
    const columns = b.shape.length === 1 ? [] : [right.at(-1)!];
    return [{ dtype, shape: [...batch, ...rows, ...columns] }];
  },
  flops: ({ inputs, outputs }, count) => 2 * count(outputs[0]!.shape) * count(inputs[0]!.shape.slice(-1)),
  vjp({ input, grad }) {
    const [a, b] = [input(0), input(1)];
    if (a.shape.length === 1 || b.shape.length === 1) {
      // As matrices: a row on the left, a column on the right.
      const left = a.shape.length === 1 ? reshape(a, [1, ...a.shape]) : a;
      const right = b.shape.length === 1 ? reshape(b, [...b.shape, 1]) : b;
      const full = reshape(grad, matmul(left, right).shape);
      const dLeft = sumTo(matmul(full, swapLast(right)), left.shape);
      const dRight = sumTo(matmul(swapLast(left), full), right.shape);
      return [reshape(dLeft, a.shape), reshape(dRight, b.shape)];
    }
    if (b.shape.length === 2) {
      const [inner, columns] = [a.shape.at(-1)!, b.shape[1]!];
      const rows = sizeOf(a.shape.slice(0, -1));
      const flatGrad = reshape(grad, [rows, columns]);
      const dA = reshape(gemm(flatGrad, b, { transB: 1 }), a.shape);
      return [dA, gemm(reshape(a, [rows, inner]), flatGrad, { transA: 1 })];
    }
    return [sumTo(matmul(grad, swapLast(b)), a.shape), sumTo(matmul(swapLast(a), grad), b.shape)];
  },
});

const swapLast = (x: Tensor): Tensor => {
  const axes = x.shape.map((_, i) => i);
  return transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
};

/** Matrix product over the last two axes, the others broadcast. https://onnx.ai/onnx/operators/onnx__MatMul.html */
export const matmul = (a: Tensor, b: Tensor): Tensor => apply(matmulOp, [a, b]);

const gemmOp = defineOp("Gemm", {
  since: 13,
  attributes: { alpha: "float", beta: "float", transA: "int", transB: "int" },
  infer(call) {
    const [a, b] = [call.input(0), call.input(1)];
    const { transA, transB } = optionsOf(call);
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      call.fail(
        `the operands are ${formatShape(a.shape)} and ${formatShape(b.shape)}, expected matrices; use matmul()`,
      );
    }
    const [rows, inner] = transA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
    const [innerB, columns] = transB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
    if (inner !== innerB)
      call.fail(
        `the inner sizes are ${inner} and ${innerB} (${formatShape(a.shape)}${transA ? "ᵀ" : ""} times ${formatShape(b.shape)}${transB ? "ᵀ" : ""}); they must agree`,
      );
    if (call.inputs[2]) broadcastShapes(call, call.inputs[2].shape, [rows, columns]);
    return [
      { dtype: sameDType(call, a, b, ...(call.inputs[2] ? [call.inputs[2]] : [])), shape: [rows, columns] },
    ];
  },
  flops({ inputs, outputs, attributes }, count) {
    const inner = inputs[0]!.shape[optionsOf({ attributes }).transA ? 0 : 1]!;
    return (2 * count([inner]) + (inputs[2] ? 1 : 0)) * count(outputs[0]!.shape);
  },
  vjp(back) {
    const [a, b, c] = [back.input(0), back.input(1), back.inputs[2]];
    const { alpha, beta, transA, transB } = optionsOf(back);
    const g = back.grad;
    const dA = transA
      ? gemm(b, g, { alpha, transA: transB, transB: 1 })
      : gemm(g, b, { alpha, transB: transB ? 0 : 1 });
    const dB = transB
      ? gemm(g, a, { alpha, transA: 1, transB: transA })
      : gemm(a, g, { alpha, transA: transA ? 0 : 1 });
    return [dA, dB, c && sumTo(beta === 1 ? g : mul(g, beta), c.shape)];
  },
});

/** alpha * A B + beta * C, with A and B transposed first where `transA` and `transB` are 1. */
export interface GemmOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transA?: number;
  readonly transB?: number;
  /** Added to the product, broadcast. */
  readonly c?: Tensor;
}

function optionsOf({ attributes }: Pick<Call, "attributes">) {
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = attributes as Record<string, number>;
  return { alpha, beta, transA, transB };
}

/** alpha * a b + beta * c of matrices, either transposed. https://onnx.ai/onnx/operators/onnx__Gemm.html */
export function gemm(a: Tensor, b: Tensor, { c, ...options }: GemmOptions = {}): Tensor {
  const attributes = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => value !== (key === "alpha" || key === "beta" ? 1 : 0)),
  ) as Record<string, number>;
  return apply(gemmOp, c ? [a, b, c] : [a, b], attributes);
}

export default [matmulOp, gemmOp];
