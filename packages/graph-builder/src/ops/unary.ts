/** Functions of one element, each with its derivative. */
import { apply, type Backward, type OpEntry } from "../op.js";
import type { Tensor } from "../tensor.js";
import { add, div, mul, neg, sub } from "./arithmetic.js";
import { greater, where } from "./compare.js";
import { defineElementwise, floatResult, like } from "./elementwise.js";

type Rule = (grad: Tensor, x: Tensor, y: Tensor) => Tensor;

/** x -> y = f(x); the rule gives the gradient by x from that by y. */
/*#__NO_SIDE_EFFECTS__*/
export function defineUnary(name: string, since: number, rule: Rule): OpEntry {
  return defineElementwise(name, {
    since,
    dtype: floatResult,
    vjp: ({ grad, input, outputs }: Backward) => [rule(grad, input(0), outputs[0]!)],
  });
}

/** A step function: its derivative is zero wherever there is one. */
/*#__NO_SIDE_EFFECTS__*/
function defineStep(name: string, since: number): OpEntry {
  return defineElementwise(name, { since, vjp: () => [undefined] });
}

const square = (x: Tensor): Tensor => mul(x, x);
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

const expOp = defineUnary("Exp", 13, (g, _, y) => mul(g, y));
const logOp = defineUnary("Log", 13, (g, x) => div(g, x));
const sqrtOp = defineUnary("Sqrt", 13, (g, _, y) => div(g, mul(y, 2)));
const reciprocalOp = defineUnary("Reciprocal", 13, (g, _, y) => neg(mul(g, square(y))));
const sinOp = defineUnary("Sin", 7, (g, x) => mul(g, cos(x)));
const cosOp = defineUnary("Cos", 7, (g, x) => neg(mul(g, sin(x))));
const tanhOp = defineUnary("Tanh", 13, (g, _, y) => mul(g, sub(1, square(y))));
const sigmoidOp = defineUnary("Sigmoid", 13, (g, _, y) => mul(g, mul(y, sub(1, y))));
const erfOp = defineUnary("Erf", 13, (g, x) => mul(g, mul(exp(neg(square(x))), TWO_OVER_SQRT_PI)));
const softplusOp = defineUnary("Softplus", 1, (g, x) => mul(g, sigmoid(x)));
// By the output, not the input: the forward value is kept anyway, and PyTorch has no gradient at 0 either.
const reluOp = defineUnary("Relu", 14, (g, _, y) => where(greater(y, like(y, 0)), g, like(g, 0)));
const absOp = defineElementwise("Abs", { since: 13, vjp: ({ grad, input }) => [mul(grad, sign(input(0)))] });
const signOp = defineStep("Sign", 13);
const floorOp = defineStep("Floor", 13);
const ceilOp = defineStep("Ceil", 13);
const roundOp = defineStep("Round", 11);

/** e^x. https://onnx.ai/onnx/operators/onnx__Exp.html */
export const exp = (x: Tensor): Tensor => apply(expOp, [x]);
/** Natural logarithm. https://onnx.ai/onnx/operators/onnx__Log.html */
export const log = (x: Tensor): Tensor => apply(logOp, [x]);
/** Square root. https://onnx.ai/onnx/operators/onnx__Sqrt.html */
export const sqrt = (x: Tensor): Tensor => apply(sqrtOp, [x]);
/** 1 / x. https://onnx.ai/onnx/operators/onnx__Reciprocal.html */
export const reciprocal = (x: Tensor): Tensor => apply(reciprocalOp, [x]);
/** Sine of radians. https://onnx.ai/onnx/operators/onnx__Sin.html */
export const sin = (x: Tensor): Tensor => apply(sinOp, [x]);
/** Cosine of radians. https://onnx.ai/onnx/operators/onnx__Cos.html */
export const cos = (x: Tensor): Tensor => apply(cosOp, [x]);
/** Hyperbolic tangent, -1..1. https://onnx.ai/onnx/operators/onnx__Tanh.html */
export const tanh = (x: Tensor): Tensor => apply(tanhOp, [x]);
/** 1 / (1 + e^-x), 0..1. https://onnx.ai/onnx/operators/onnx__Sigmoid.html */
export const sigmoid = (x: Tensor): Tensor => apply(sigmoidOp, [x]);
/** 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. https://onnx.ai/onnx/operators/onnx__Erf.html */
export const erf = (x: Tensor): Tensor => apply(erfOp, [x]);
/** log(1 + e^x) */
export const softplus = (x: Tensor): Tensor => apply(softplusOp, [x]);
/** max(x, 0); no gradient at 0 (as PyTorch). */
export const relu = (x: Tensor): Tensor => apply(reluOp, [x]);
/** Distance from 0; its gradient at 0 is 0. https://onnx.ai/onnx/operators/onnx__Abs.html */
export const abs = (x: Tensor): Tensor => apply(absOp, [x]);
/** -1, 0 or 1; its gradient is 0. https://onnx.ai/onnx/operators/onnx__Sign.html */
export const sign = (x: Tensor): Tensor => apply(signOp, [x]);
/**
 * The largest whole number that is not above x; its gradient is 0. https://onnx.ai/onnx/operators/onnx__Floor.html
 */
export const floor = (x: Tensor): Tensor => apply(floorOp, [x]);
/**
 * The smallest whole number that is not below x; its gradient is 0. https://onnx.ai/onnx/operators/onnx__Ceil.html
 */
export const ceil = (x: Tensor): Tensor => apply(ceilOp, [x]);
/** To the nearest whole number, ties to even. */
export const round = (x: Tensor): Tensor => apply(roundOp, [x]);
/** x * sigmoid(x) (Elfwing et al. 2017), also called swish. */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));
/** x * Phi(x), the exact form with erf (Hendrycks & Gimpel 2016). */
export const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

export default [
  expOp,
  logOp,
  sqrtOp,
  reciprocalOp,
  sinOp,
  cosOp,
  tanhOp,
  sigmoidOp,
  erfOp,
  softplusOp,
  reluOp,
  absOp,
  signOp,
  floorOp,
  ceilOp,
  roundOp,
];
