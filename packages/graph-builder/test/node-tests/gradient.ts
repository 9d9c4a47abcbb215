/** The gradient of a node test's model against numeric differences. */
import { isFloat } from "../../src/dtype.js";
import { gradients } from "../../src/gradients.js";
import { importModel } from "../../src/import.js";
import { add, input, mul, reduceSum } from "../../src/index.js";
import { compile, floats, randoms, type Value } from "../run.js";
import type { Case } from "./case.js";
import { recastModel, recastValue } from "./recast.js";

export async function checkGradient(c: Case): Promise<string> {
  const found: string[] = [];
  for (const to of ["float64", "float32"] as const) {
    try {
      return await directional(c, to);
    } catch (e) {
      found.push(`${to}: ${(e as Error).message}`);
      if (!/NOT_IMPL|implementation/.test((e as Error).message)) throw e;
    }
  }
  return found.join("; ");
}

async function directional({ model, feeds, expected }: Case, to: "float32" | "float64"): Promise<string> {
  const random = randoms(1);
  const uniform = (n: number) => Float64Array.from({ length: n }, () => random() * 2 - 1);
  const { inputs, outputs } = importModel(recastModel(model, to));
  const wrt = feeds.filter(([, v]) => isFloat(v.dtype)).map(([name]) => inputs[name]!);
  const results = expected.filter(([, v]) => isFloat(v.dtype));
  if (wrt.length === 0) return "no float input";
  if (results.length === 0) return "no float output";
  const weights = results.map(([name, v]) => floats(v.dims, uniform(v.data.length), to));
  const weightInputs = weights.map((v, i) => input(`weight_${i}`, to, v.dims));
  const loss = results
    .map(([name], i) => reduceSum(mul(outputs[name]!, weightInputs[i]!)))
    .reduce((a, b) => add(a, b));
  const grads = gradients(loss, wrt, { unused: "zero" });
  const run = await compile([...Object.values(inputs), ...weightInputs], {
    loss,
    ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])),
  });
  const point = feeds.map(([, v]) => recastValue(v, to));
  const directions = point.map((v) => uniform(v.data.length));
  const step = to === "float64" ? 1e-5 : 1e-2;
  const at = async (h: number) => {
    const moved = point.map((v, i): Value =>
      isFloat(v.dtype) ? floats(v.dims, Array.from(v.data as Float64Array, (x, j) => x + h * directions[i]![j]!), to) : v,
    );
    return Number((await run([...moved, ...weights])).loss!.data[0]);
  };
  const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
  const values = await run([...point, ...weights]);
  let analytic = 0;
  let scale = 1e-3;
  let g = 0;
  feeds.forEach(([, v], i) => {
    if (!isFloat(v.dtype)) return;
    const data = values[`g${g++}`]!.data as Float64Array;
    data.forEach((value, j) => {
      analytic += value * directions[i]![j]!;
      scale += Math.abs(value * directions[i]![j]!);
    });
  });
  const error = Math.abs(numeric - analytic) / scale;
  return error < (to === "float64" ? 1e-7 : 1e-3) ? (to === "float64" ? "ok" : "ok32") : `${to} error ${error.toExponential(0)} ${error < 1e-4 ? "small" : ""}`;
}
