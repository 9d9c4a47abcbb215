/** Slopes of losses along random directions: numeric differences against gradients. */
import { expect } from "vitest";
import { evaluateDim, type Shape } from "../src/dim.js";
import { add, input, mul, reduceSum, type Tensor } from "../src/index.js";
import { compile, floats, type Value } from "./run.js";

/** The sizes that named dimensions have when tests run. */
const SIZES = new Map([["n", 2]]);

/** The shape with those sizes. */
export const known = (shape: Shape): number[] => shape.map((dim) => evaluateDim(dim, SIZES) ?? Number.NaN);

export type Fed = readonly (readonly [Tensor, Value])[];

/** L = sum(w * y) over all tensors, with random weights w: what checks L's gradient checks that of every element. */
export function project(
  tensors: readonly Tensor[],
  random: () => number,
  name = "w",
): { loss: Tensor; weights: Fed } {
  const weights = tensors.map(({ dtype, shape }, i) => {
    const dims = known(shape);
    const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1);
    return [input(`${name}${i}`, dtype, shape), floats(dims, values, dtype as "float32")] as const;
  });
  const loss = tensors.map((y, i) => reduceSum(mul(y, weights[i]![0]))).reduce((a, b) => add(a, b));
  return { loss, weights };
}

interface Slope {
  readonly loss: Tensor;
  /** What the direction moves, all of floating point. */
  readonly variables: Fed;
  /** The gradients by the variables. */
  readonly grads: readonly Tensor[];
  readonly fixed: Fed;
  readonly random: () => number;
  /** Of the central difference. */
  readonly step: number;
}

/** The difference between the loss's slope along a random direction and gradient * direction, by the sum of its terms. */
export async function slopeError({ loss, variables, grads, fixed, random, step }: Slope): Promise<number> {
  const run = await compile(
    [...variables, ...fixed].map(([t]) => t),
    { loss, ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])) },
  );
  const fixedAt = fixed.map(([, v]) => v);
  const directions = variables.map(([, v]) =>
    Float64Array.from({ length: v.data.length }, () => random() * 2 - 1),
  );
  const lossAt = async (h: number) => {
    const moved = variables.map(([, v], i) =>
      floats(
        v.dims,
        Array.from(v.data as Float64Array, (x, j) => x + h * directions[i]![j]!),
        v.dtype as "float32",
      ),
    );
    return Number((await run([...moved, ...fixedAt])).loss!.data[0]);
  };
  const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  const results = await run([...variables.map(([, v]) => v), ...fixedAt]);
  const terms = grads.flatMap(({ shape }, i) => {
    const { dims, data } = results[`g${i}`]!;
    expect(shape).toEqual(variables[i]![0].shape);
    expect(dims).toEqual(known(shape));
    return Array.from(data as Float64Array, (value, j) => value * directions[i]![j]!);
  });
  const analytic = terms.reduce((a, b) => a + b, 0);
  // 1e-3 beside the terms: a gradient of nothing but zeros is met to a thousandth of the tolerance.
  const scale = terms.reduce((a, b) => a + Math.abs(b), 1e-3);
  return Math.abs(numeric - analytic) / scale;
}
