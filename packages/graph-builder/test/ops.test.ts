import { describe, expect, test } from "vitest";
import { gradients } from "../src/gradients.js";
import { input, type Tensor } from "../src/index.js";
import { OPS } from "../src/ops/registry.js";
import { evaluate, floats, randoms, type Value } from "./run.js";
import { SAMPLES, type Sample } from "./samples.js";
import { type Fed, known, project, slopeError } from "./slope.js";

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
  const data = dataFor(sample, dtype);
  return {
    inputs: inputs.map((t, i) => [t, data[i]!] as const) satisfies Fed,
    outputs,
    step: stepFor(sample),
    random: randoms(1000 + SAMPLES.indexOf(sample)),
  } as const;
}

describe.each(SAMPLES.map((s) => [s.name, s] as const))("%s", (_, sample) => {
  test("inferred types are those that ONNX Runtime returns", async () => {
    const { inputs, outputs } = setUp(sample);
    const results = await evaluate(inputs, Object.fromEntries(outputs.map((t, i) => [`y${i}`, t])));
    outputs.forEach((t, i) => {
      expect(results[`y${i}`]!.dtype).toBe(t.dtype);
      expect(results[`y${i}`]!.dims).toEqual(known(t.shape));
    });
  });

  if (sample.forward) return;
  test("the gradient is that of numeric differences", async () => {
    const { inputs, outputs, step, random } = setUp(sample);
    const { loss, weights } = project(outputs, random);
    const grads = gradients(
      loss,
      inputs.map(([t]) => t),
    );
    const error = await slopeError({ loss, variables: inputs, grads, fixed: weights, random, step });
    expect(error).toBeLessThan(toleranceFor(sample));
  });

  // Of P = sum(gradient * d), by the inputs and by the seed w: rules must be made of operators that have rules.
  test.skipIf(sample.once !== undefined)(
    "the gradient's gradient is that of numeric differences",
    async () => {
      const { inputs, outputs, step, random } = setUp(sample);
      const { loss, weights } = project(outputs, random);
      const first = gradients(
        loss,
        inputs.map(([t]) => t),
      );
      const { loss: projection, weights: fixed } = project(first, random, "d");
      const variables = [...inputs, ...weights];
      const grads = gradients(
        projection,
        variables.map(([t]) => t),
        { unused: "zero" },
      );
      const error = await slopeError({ loss: projection, variables, grads, fixed, random, step });
      expect(error).toBeLessThan(toleranceFor(sample));
    },
  );
});

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
