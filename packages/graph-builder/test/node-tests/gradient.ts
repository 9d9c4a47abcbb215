/** The gradient of a node test's model against numeric differences. */
import { isFloat } from "../../src/dtype.js";
import { gradients } from "../../src/gradients.js";
import { importModel } from "../../src/import.js";
import { add, input, mul, reduceSum } from "../../src/index.js";
import { compile, floats, randoms, type Value } from "../run.js";
import type { Case } from "./case.js";
import { type Float, recastModel, recastValue } from "./recast.js";

/** Whether floating-point numbers go in and come out. */
export const isFloating = ({ feeds, expected }: Case): boolean =>
  [feeds, expected].every((values) => values.some(([, v]) => isFloat(v.dtype) && v.data.length > 0));

/**
 * The relative error of the directional derivative along one random direction in all floating-point inputs, of a random
 * projection of all floating-point outputs: central differences against the gradient's inner product with the direction.
 * @param moved - takes the derivative beside the test's data: finite, and off the edges where the function has kinks.
 */
export async function gradientError(
  { model, feeds, expected }: Case,
  dtype: Float,
  moved: boolean,
): Promise<number> {
  const random = randoms(1);
  const uniform = (n: number) => Float64Array.from({ length: n }, () => random() * 2 - 1);
  const { inputs, outputs } = importModel(recastModel(model, dtype));
  const isVariable = ([, v]: Case["feeds"][number]) => isFloat(v.dtype);
  const wrt = feeds.filter(isVariable).map(([name]) => inputs[name]!);
  const projections = expected.filter(isVariable).map(([name, { dims, data }], i) => {
    const weight = input(`weight_${i}`, dtype, dims);
    return { y: outputs[name]!, weight, value: floats(dims, uniform(data.length), dtype) };
  });
  const loss = projections.map(({ y, weight }) => reduceSum(mul(y, weight))).reduce((a, b) => add(a, b));
  const grads = gradients(loss, wrt, { unused: "zero" });
  const run = await compile([...feeds.map(([name]) => inputs[name]!), ...projections.map((p) => p.weight)], {
    loss,
    ...Object.fromEntries(grads.map((g, i) => [`gradient_${i}`, g])),
  });
  const weights = projections.map((p) => p.value);
  const offset = (x: number) => (Number.isFinite(x) ? x : 0) + 0.1 * random();
  const point = feeds.map(([, v]): Value => {
    const value = recastValue(v, dtype);
    return moved && isFloat(v.dtype)
      ? floats(v.dims, Array.from(value.data as Float64Array, offset), dtype)
      : value;
  });
  const directions = feeds.map(([, v]) => (isFloat(v.dtype) ? uniform(v.data.length) : undefined));
  const lossAt = async (h: number) => {
    const values = point.map((v, i) => {
      const direction = directions[i];
      return direction
        ? floats(
            v.dims,
            Array.from(v.data as Float64Array, (x, j) => x + h * direction[j]!),
            dtype,
          )
        : v;
    });
    return Number((await run([...values, ...weights])).loss!.data[0]);
  };
  const step = STEP[dtype];
  const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  const results = await run([...point, ...weights]);
  const used = directions.filter((d) => d !== undefined);
  const terms = used.flatMap((direction, i) =>
    Array.from(results[`gradient_${i}`]!.data as Float64Array, (g, j) => g * direction[j]!),
  );
  const analytic = terms.reduce((a, b) => a + b, 0);
  // Beside the size of the terms: a gradient of nothing but zeros must be met to 1e-3 of the tolerance.
  const scale = terms.reduce((a, b) => a + Math.abs(b), 1e-3);
  return Math.abs(numeric - analytic) / scale;
}

const STEP: Readonly<Record<Float, number>> = { float64: 1e-5, float32: 1e-2 };

/**
 * float64: truncation h^2 f'''/6 and rounding 1e-16 f/h are near 1e-10; curved functions (x^-1.5 of a variance) have third
 * derivatives a thousand times their first. float32: truncation 1e-4 f'''/6 and rounding 6e-8 f/1e-2 are near 1e-4.
 */
export const TOLERANCE: Readonly<Record<Float, number>> = { float64: 1e-6, float32: 1e-3 };
