/** Activations that ONNX has as one node: each is an equal composition of others, whose gradient is theirs. */

import type { DType } from "../dtype.js";
import { type AttributeType, apply, type Call, type OpEntry } from "../op.js";
import type { Tensor } from "../tensor.js";
import { add, div, max, min, mul, pow, sub } from "./arithmetic.js";
import { greater, where } from "./compare.js";
import { gradientOf } from "./composed.js";
import { defineElementwise, floatResult, like } from "./elementwise.js";
import { abs, gelu as exactGelu, exp, softplus, tanh } from "./unary.js";

type Defaults = Readonly<Record<string, number>>;

/** An activation with numeric attributes, their values when left out, and what it is equal to. */
/*#__NO_SIDE_EFFECTS__*/
function defineActivation(
  name: string,
  since: number,
  defaults: Defaults,
  composition: (x: Tensor, attributes: Defaults) => Tensor,
  dtype: (call: Call) => DType = floatResult,
): OpEntry {
  const attributes = Object.fromEntries(
    Object.keys(defaults).map((key): [string, AttributeType] => [key, "float"]),
  );
  return defineElementwise(name, {
    since,
    attributes,
    dtype,
    vjp: gradientOf(([x], given) => composition(x!, { ...defaults, ...(given as Defaults) })),
  });
}

/** Celu is the one operator here that ONNX has for one type. */
function float32Alone(call: Call): DType {
  const { dtype } = call.input(0);
  if (dtype === "float32") return dtype;
  return call.fail(`the input is ${dtype}, expected float32, the only type of operator (Celu); use elu()`);
}

const positive = (x: Tensor): Tensor => greater(x, like(x, 0));
/** e^x - 1 where x is negative, elsewhere 0: exp never sees what would overflow. */
const expBelow = (x: Tensor): Tensor => sub(exp(min(x, 0)), 1);

const eluOp = defineActivation("Elu", 6, { alpha: 1 }, (x, { alpha }) =>
  where(positive(x), x, mul(expBelow(x), alpha!)),
);
const seluOp = defineActivation(
  "Selu",
  6,
  { alpha: 1.6732631921768188, gamma: 1.0507010221481323 },
  (x, { alpha, gamma }) => mul(where(positive(x), x, mul(expBelow(x), alpha!)), gamma!),
);
const celuOp = defineActivation(
  "Celu",
  12,
  { alpha: 1 },
  (x, { alpha }) => where(positive(x), x, mul(expBelow(div(x, alpha!)), alpha!)),
  float32Alone,
);
const leakyReluOp = defineActivation("LeakyRelu", 16, { alpha: 0.01 }, (x, { alpha }) =>
  where(positive(x), x, mul(x, alpha!)),
);
const thresholdedReluOp = defineActivation("ThresholdedRelu", 10, { alpha: 1 }, (x, { alpha }) =>
  where(greater(x, like(x, alpha!)), x, like(x, 0)),
);
const hardSigmoidOp = defineActivation("HardSigmoid", 6, { alpha: 0.2, beta: 0.5 }, (x, { alpha, beta }) =>
  max(min(add(mul(x, alpha!), beta!), 1), 0),
);
const hardSwishOp = defineActivation("HardSwish", 14, {}, (x) =>
  mul(x, max(min(add(mul(x, 1 / 6), 0.5), 1), 0)),
);
const softsignOp = defineActivation("Softsign", 1, {}, (x) => div(x, add(abs(x), 1)));
const mishOp = defineActivation("Mish", 18, {}, (x) => mul(x, tanh(softplus(x))));

const geluOp = defineElementwise("Gelu", {
  since: 20,
  attributes: { approximate: "string" },
  dtype: floatResult,
  vjp: gradientOf(([x], { approximate = "none" }) => (approximate === "tanh" ? geluTanh(x!) : exactGelu(x!))),
});

const preluOp = defineElementwise("PRelu", {
  since: 16,
  dtype: floatResult,
  vjp: gradientOf(([x, slope]) => where(positive(x!), x!, mul(x!, slope!))),
});

/** x for x > 0, else alpha (e^x - 1) (Clevert et al. 2015). */
export const elu = (x: Tensor, alpha = 1): Tensor => apply(eluOp, [x], { alpha });
/** Self-normalising ELU (Klambauer et al. 2017). */
export const selu = (x: Tensor): Tensor => apply(seluOp, [x]);
/** Continuously differentiable ELU (Barron 2017). */
export const celu = (x: Tensor, alpha = 1): Tensor => apply(celuOp, [x], { alpha });
/** x for x > 0, else alpha x. */
export const leakyRelu = (x: Tensor, alpha = 0.01): Tensor => apply(leakyReluOp, [x], { alpha });
/** x for x > alpha, else 0. */
export const thresholdedRelu = (x: Tensor, alpha = 1): Tensor => apply(thresholdedReluOp, [x], { alpha });
/** x for x > 0, else slope x with a slope that may be learnt and is broadcast to x (He et al. 2015). */
export const prelu = (x: Tensor, slope: Tensor): Tensor => apply(preluOp, [x, slope]);
/** alpha x + beta between 0 and 1. */
export const hardSigmoid = (x: Tensor, alpha = 0.2, beta = 0.5): Tensor =>
  apply(hardSigmoidOp, [x], { alpha, beta });
/** x (x / 6 + 1/2), the factor between 0 and 1 (Howard et al. 2019). */
export const hardSwish = (x: Tensor): Tensor => apply(hardSwishOp, [x]);
/** x / (1 + |x|) */
export const softsign = (x: Tensor): Tensor => apply(softsignOp, [x]);
/** x tanh(softplus(x)) (Misra 2019). */
export const mish = (x: Tensor): Tensor => apply(mishOp, [x]);
/** The approximation of gelu by tanh (Hendrycks & Gimpel 2016). */
export const geluTanh = (x: Tensor): Tensor =>
  mul(mul(x, 0.5), add(tanh(mul(add(x, mul(pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))), 1));

export default [
  celuOp,
  eluOp,
  geluOp,
  hardSigmoidOp,
  hardSwishOp,
  leakyReluOp,
  mishOp,
  preluOp,
  seluOp,
  softsignOp,
  thresholdedReluOp,
];
