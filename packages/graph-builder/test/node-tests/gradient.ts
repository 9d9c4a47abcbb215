/** The gradient of a node test's model against numeric differences. */
import { isFloat } from "../../src/dtype.js";
import { gradients } from "../../src/gradients.js";
import { importModel } from "../../src/import.js";
import { OPS } from "../../src/ops/registry.js";
import { floats, randoms } from "../run.js";
import { type Fed, project, slopeError } from "../slope.js";
import type { NodeTest } from "./archive.js";
import { type Case, operatorsOf } from "./case.js";
import { NOT_RUN } from "./exceptions.js";
import { type Float, recastModel, recastValue } from "./recast.js";

/** Whether floating-point numbers go in and come out, through operators that have gradients and kernels. */
export function hasGradient(test: NodeTest, { feeds, expected }: Case): boolean {
  const isFloating = [feeds, expected].every((values) =>
    values.some(([, v]) => isFloat(v.dtype) && v.data.length > 0),
  );
  const isStopped = operatorsOf(test).some((name) => OPS.get(name)?.vjp === "none");
  return isFloating && !isStopped && !NOT_RUN[test.name]?.includes("implementation");
}

/**
 * The relative error of the directional derivative along one random direction in all floating-point inputs, of a random
 * projection of all floating-point outputs: central differences against the gradient's inner product with the direction.
 * @param moved - takes the derivative beside the test's data: finite, off the edges where the function has kinks, and
 *   nearer to zero, where it is less steep.
 */
export async function gradientError(
  { model, feeds, expected }: Case,
  dtype: Float,
  moved: boolean,
): Promise<number> {
  const random = randoms(1);
  const { inputs, outputs } = importModel(recastModel(model, dtype));
  const beside = (x: number) => (Number.isFinite(x) ? x / 2 : 0) + 0.05 + 0.1 * random();
  const fed: Fed = feeds.map(([name, v]) => {
    const value = recastValue(v, dtype);
    const move = moved && isFloat(v.dtype);
    const at = move ? floats(v.dims, Array.from(value.data as Float64Array, beside), dtype) : value;
    return [inputs[name]!, at];
  });
  const results = expected.filter(([, v]) => isFloat(v.dtype)).map(([name]) => outputs[name]!);
  const { loss, weights } = project(results, random, "weight_");
  const variables = fed.filter(([t]) => isFloat(t.dtype));
  const grads = gradients(
    loss,
    variables.map(([t]) => t),
    { unused: "zero" },
  );
  const fixed = [...fed.filter(([t]) => !isFloat(t.dtype)), ...weights];
  return slopeError({ loss, variables, grads, fixed, random, step: STEP[dtype] });
}

const STEP: Readonly<Record<Float, number>> = { float64: 1e-5, float32: 1e-2 };

/**
 * float64: truncation h^2 f'''/6 and rounding 1e-16 f/h are near 1e-10; curved functions (x^-1.5 of a variance) have third
 * derivatives a thousand times their first. float32: truncation 1e-4 f'''/6 and rounding 6e-8 f/1e-2 are near 1e-4.
 */
export const TOLERANCE: Readonly<Record<Float, number>> = { float64: 1e-6, float32: 1e-3 };
