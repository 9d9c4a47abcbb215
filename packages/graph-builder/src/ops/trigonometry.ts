/** Trigonometric and hyperbolic functions beyond sine, cosine and tanh, each with its derivative. */
import { apply } from "../op.js";
import type { Tensor } from "../tensor.js";
import { add, div, mul, neg, sub } from "./arithmetic.js";
import { defineUnary, sqrt } from "./unary.js";

const square = (x: Tensor): Tensor => mul(x, x);

const tanOp = defineUnary("Tan", 7, (g, _, y) => mul(g, add(square(y), 1)));
const asinOp = defineUnary("Asin", 7, (g, x) => div(g, sqrt(sub(1, square(x)))));
const acosOp = defineUnary("Acos", 7, (g, x) => neg(div(g, sqrt(sub(1, square(x))))));
const atanOp = defineUnary("Atan", 7, (g, x) => div(g, add(square(x), 1)));
const sinhOp = defineUnary("Sinh", 9, (g, x) => mul(g, cosh(x)));
const coshOp = defineUnary("Cosh", 9, (g, x) => mul(g, sinh(x)));
const asinhOp = defineUnary("Asinh", 9, (g, x) => div(g, sqrt(add(square(x), 1))));
const acoshOp = defineUnary("Acosh", 9, (g, x) => div(g, sqrt(sub(square(x), 1))));
const atanhOp = defineUnary("Atanh", 9, (g, x) => div(g, sub(1, square(x))));

/** Tangent of radians. https://onnx.ai/onnx/operators/onnx__Tan.html */
export const tan = (x: Tensor): Tensor => apply(tanOp, [x]);
/** -1..1 -> -pi/2..pi/2 */
export const asin = (x: Tensor): Tensor => apply(asinOp, [x]);
/** -1..1 -> 0..pi */
export const acos = (x: Tensor): Tensor => apply(acosOp, [x]);
/** The angle in -pi/2..pi/2 whose tangent is x. https://onnx.ai/onnx/operators/onnx__Atan.html */
export const atan = (x: Tensor): Tensor => apply(atanOp, [x]);
/** Hyperbolic sine. https://onnx.ai/onnx/operators/onnx__Sinh.html */
export const sinh = (x: Tensor): Tensor => apply(sinhOp, [x]);
/** Hyperbolic cosine. https://onnx.ai/onnx/operators/onnx__Cosh.html */
export const cosh = (x: Tensor): Tensor => apply(coshOp, [x]);
/** The number whose hyperbolic sine is x. https://onnx.ai/onnx/operators/onnx__Asinh.html */
export const asinh = (x: Tensor): Tensor => apply(asinhOp, [x]);
/** For x >= 1. */
export const acosh = (x: Tensor): Tensor => apply(acoshOp, [x]);
/** For -1 < x < 1. */
export const atanh = (x: Tensor): Tensor => apply(atanhOp, [x]);

export default [acosOp, acoshOp, asinOp, asinhOp, atanOp, atanhOp, coshOp, sinhOp, tanOp];
