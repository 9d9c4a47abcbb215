import { describe, expect, test } from "vitest";
import { evaluateDim, type Shape } from "../src/dim.js";
import { gradients } from "../src/gradients.js";
import { add, input, mul, reduceSum, type Tensor } from "../src/index.js";
import { OPS } from "../src/op.js";
import { compile, evaluate, floats, randoms, type Value } from "./run.js";
import { SAMPLES, type Sample } from "./samples.js";

const N = 2;
const sizes = new Map([["n", N]]);
const known = (shape: Shape): number[] => shape.map((dim) => evaluateDim(dim, sizes) ?? Number.NaN);

test("every operator has a sample", () => {
  const sampled = new Set(SAMPLES.flatMap((s) => s.ops));
  expect([...OPS.keys()].filter((name) => !sampled.has(name))).toEqual([]);
});

/** Values in the range; where they must stay apart, on a grid with every grid point used once in all inputs. */
function dataFor(sample: Sample, dtype: "float32" | "float64"): Value[] {
  const random = randoms(SAMPLES.indexOf(sample) + 1);
  const [low, high] = sample.range ?? [-1, 1];
  const counts = sample.shapes.map((shape) => known(shape).reduce((a, b) => a * b, 1));
  const total = counts.reduce((a, b) => a + b, 0);
  // Half a cell from -1, 0 and 1, where the pieces of floor, round and abs meet.
  const grid = Array.from(
    { length: total },
    (_, i) => low + ((high - low) * (i + 0.5 + 0.2 * random())) / total,
  );
  grid.sort(() => random() - 0.5);
  return sample.shapes.map((shape, i) => {
    const start = counts.slice(0, i).reduce((a, b) => a + b, 0);
    const values = Array.from({ length: counts[i]! }, (_, j) =>
      sample.apart ? grid[start + j]! : low + (high - low) * random(),
    );
    return floats(known(shape), values, dtype);
  });
}

function setUp(sample: Sample) {
  const dtype = sample.single || sample.forward ? "float32" : "float64";
  const inputs = sample.shapes.map((shape, i) => input(`x${i}`, dtype, shape));
  const built = sample.build(...inputs);
  const outputs = (Array.isArray(built) ? built : [built]) as Tensor[];
  return { dtype, inputs, outputs, data: dataFor(sample, dtype) } as const;
}

describe.each(SAMPLES.map((s) => [s.name, s] as const))("%s", (_, sample) => {
  test("inferred types are those that ONNX Runtime returns", async () => {
    const { inputs, outputs, data } = setUp(sample);
    const named = Object.fromEntries(outputs.map((t, i) => [`y${i}`, t]));
    const results = await evaluate(
      inputs.map((t, i) => [t, data[i]!] as const),
      named,
    );
    outputs.forEach((t, i) => {
      expect(results[`y${i}`]!.dtype).toBe(t.dtype);
      expect(results[`y${i}`]!.dims).toEqual(known(t.shape));
    });
  });

  if (sample.forward) return;
  test("the gradient is that of numeric differences", async () => {
    const { dtype, inputs, outputs, data } = setUp(sample);
    const random = randoms(1000 + SAMPLES.indexOf(sample));
    // One random projection on each side: L = sum(w * y), dL along d against sum(grad * d).
    const weights = outputs.map((y, i) => input(`w${i}`, dtype, y.shape));
    const weightData = outputs.map(({ shape }) => {
      const dims = known(shape);
      return floats(
        dims,
        Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1),
        dtype,
      );
    });
    const losses = outputs.map((y, i) => reduceSum(mul(y, weights[i]!)));
    const loss = losses.reduce((a, b) => add(a, b));
    const grads = gradients(loss, inputs);
    const run = await compile([...inputs, ...weights], {
      loss,
      ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])),
    });
    const directions = data.map((v) => Float64Array.from(v.data as Float64Array, () => random() * 2 - 1));
    const step = stepFor(sample);
    const at = async (h: number) => {
      const moved = data.map((v, i) =>
        floats(
          v.dims,
          Array.from(v.data as Float64Array, (x, j) => x + h * directions[i]![j]!),
          dtype,
        ),
      );
      return Number((await run([...moved, ...weightData])).loss!.data[0]);
    };
    const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
    const results = await run([...data, ...weightData]);
    let analytic = 0;
    let scale = 1e-3;
    grads.forEach((g, i) => {
      expect(results[`g${i}`]!.dims).toEqual(known(g.shape));
      Array.from(results[`g${i}`]!.data as Float64Array).forEach((value, j) => {
        analytic += value * directions[i]![j]!;
        scale += Math.abs(value * directions[i]![j]!);
      });
    });
    expect(Math.abs(numeric - analytic) / scale).toBeLessThan(toleranceFor(sample));
  });
});

/** Polynomials of degree two have no truncation error, so their step is large and rounding stays small. */
function stepFor(sample: Sample): number {
  if (sample.polynomial) return 0.25;
  return sample.single ? 1e-2 : 1e-5;
}

/**
 * float64: truncation h^2 f'''/6 = 1e-10 and rounding 1e-16/h = 1e-11 give 1e-8 with room for larger derivatives.
 * float32: rounding 6e-8 * terms / h is 1e-5 for polynomials (h = 0.25); beyond, truncation 1e-4 f'''/6 and rounding
 * 6e-8/1e-2 give 2e-4.
 */
function toleranceFor(sample: Sample): number {
  if (!sample.single) return 1e-8;
  return sample.polynomial ? 1e-5 : 2e-4;
}
