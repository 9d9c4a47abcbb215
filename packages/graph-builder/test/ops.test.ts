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
  return {
    inputs,
    outputs,
    data: dataFor(sample, dtype),
    random: randoms(1000 + SAMPLES.indexOf(sample)),
  } as const;
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
    const { inputs, outputs, data, random } = setUp(sample);
    const { loss, weights, weightData } = project(outputs, random);
    const grads = gradients(loss, inputs);
    grads.forEach((g, i) => {
      expect(g.shape).toEqual(inputs[i]!.shape);
    });
    const error = await slopeError(sample, {
      variables: inputs,
      at: data,
      fixed: weights,
      fixedAt: weightData,
      loss,
      grads,
      random,
    });
    expect(error).toBeLessThan(toleranceFor(sample));
  });

  // Of P = sum(gradient * d), by the inputs and by the seed w: rules must be made of operators that have rules.
  test.skipIf(sample.once !== undefined)(
    "the gradient's gradient is that of numeric differences",
    async () => {
      const { inputs, outputs, data, random } = setUp(sample);
      const { loss, weights, weightData } = project(outputs, random);
      const {
        loss: projection,
        weights: d,
        weightData: dData,
      } = project(gradients(loss, inputs), random, "d");
      const variables = [...inputs, ...weights];
      const at = [...data, ...weightData];
      const grads = gradients(projection, variables, { unused: "zero" });
      const error = await slopeError(sample, {
        variables,
        at,
        fixed: d,
        fixedAt: dData,
        loss: projection,
        grads,
        random,
      });
      expect(error).toBeLessThan(toleranceFor(sample));
    },
  );
});

/** L = sum(w * y) over all tensors, with random weights w: what checks L's gradient checks that of every element. */
function project(tensors: readonly Tensor[], random: () => number, name = "w") {
  const weights = tensors.map((y, i) => input(`${name}${i}`, y.dtype, y.shape));
  const weightData = tensors.map(({ shape, dtype }) => {
    const dims = known(shape);
    const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1);
    return floats(dims, values, dtype as "float32");
  });
  const loss = tensors.map((y, i) => reduceSum(mul(y, weights[i]!))).reduce((a, b) => add(a, b));
  return { loss, weights, weightData };
}

interface Slope {
  readonly variables: readonly Tensor[];
  readonly at: readonly Value[];
  readonly fixed: readonly Tensor[];
  readonly fixedAt: readonly Value[];
  readonly loss: Tensor;
  readonly grads: readonly Tensor[];
  readonly random: () => number;
}

/** The slope of the loss along a random direction against gradient * direction: the difference by the sum of its terms. */
async function slopeError(sample: Sample, { variables, at, fixed, fixedAt, loss, grads, random }: Slope) {
  const run = await compile([...variables, ...fixed], {
    loss,
    ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])),
  });
  const directions = at.map((v) => Float64Array.from(v.data as Float64Array, () => random() * 2 - 1));
  const step = stepFor(sample);
  const lossAt = async (h: number) => {
    const moved = at.map((v, i) =>
      floats(
        v.dims,
        Array.from(v.data as Float64Array, (x, j) => x + h * directions[i]![j]!),
        v.dtype as "float32",
      ),
    );
    return Number((await run([...moved, ...fixedAt])).loss!.data[0]);
  };
  const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  const results = await run([...at, ...fixedAt]);
  let analytic = 0;
  let scale = 1e-3;
  grads.forEach((g, i) => {
    expect(results[`g${i}`]!.dims).toEqual(known(g.shape));
    Array.from(results[`g${i}`]!.data as Float64Array).forEach((value, j) => {
      analytic += value * directions[i]![j]!;
      scale += Math.abs(value * directions[i]![j]!);
    });
  });
  return Math.abs(numeric - analytic) / scale;
}

/**
 * Polynomials of degree two have no truncation error, so their step is large and rounding stays small. Their gradients,
 * which are linear in the inputs and in the seed, make a polynomial of degree two again.
 */
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
