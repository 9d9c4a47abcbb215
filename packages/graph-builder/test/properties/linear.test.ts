/** Gradients as functions of their seeds: linear, and adjoint to Jacobian-vector products. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { add, input, jvp, mul, reduceSum, scalar, type Tensor, vjp } from "../../src/index.js";
import { evaluate, floats } from "../run.js";
import { operandsOf, runProgram, six, smoothPrograms } from "./programs.js";

const coefficient = fc.integer({ min: -8, max: 8 });
const float64 = (values: readonly number[]) => floats([2, 3], values, "float64");
const seed = (name: string) => input(name, "float64", [2, 3]);

/** The last two results, so that the seeds of several outputs meet. */
const lastTwo = (results: readonly Tensor[]) => [results[0]!, results[1] ?? mul(results[0]!, 2)];

test("vjp(p s + q t) = p vjp(s) + q vjp(t)", async () => {
  await fc.assert(
    fc.asyncProperty(
      smoothPrograms,
      fc.tuple(six, six, six, six, six, six),
      coefficient,
      coefficient,
      async (program, values, p, q) => {
        const [a, b] = operandsOf("float64");
        const outputs = lastTwo(runProgram(program, a, b));
        const seeds = [seed("s0"), seed("s1"), seed("t0"), seed("t1")] as const;
        const by = (s: readonly Tensor[]) => vjp(outputs, [a, b], s, { unused: "zero" });
        const [s, t] = [seeds.slice(0, 2), seeds.slice(2)];
        const scaled = (x: Tensor, k: number) => mul(x, scalar(k, "float64"));
        const mixed = by(s.map((x, i) => add(scaled(x, p), scaled(t[i]!, q))));
        const inputs = [a, b, ...seeds].map((x, i) => [x, float64(values[i]!)] as const);
        const results = await evaluate(inputs, {
          ...Object.fromEntries(by(s).map((g, i) => [`s${i}_grad`, g])),
          ...Object.fromEntries(by(t).map((g, i) => [`t${i}_grad`, g])),
          ...Object.fromEntries(mixed.map((g, i) => [`mixed${i}`, g])),
        });
        for (const i of [0, 1]) {
          results[`mixed${i}`]!.data.forEach((value, j) => {
            const [byS, byT] = [`s${i}_grad`, `t${i}_grad`].map((name) => Number(results[name]!.data[j]));
            const scale = 1 + Math.abs(p * byS!) + Math.abs(q * byT!);
            // Some hundred float64 operations of 1e-16 on numbers that may grow to 1e5 before they cancel.
            expect(Math.abs(Number(value) - (p * byS! + q * byT!)) / scale).toBeLessThan(1e-9);
          });
        }
      },
    ),
    { numRuns: 30 },
  );
});

test("<vjp(s), v> = <s, jvp(v)>", async () => {
  await fc.assert(
    fc.asyncProperty(smoothPrograms, fc.tuple(six, six, six, six, six, six), async (program, values) => {
      const [a, b] = operandsOf("float64");
      const outputs = lastTwo(runProgram(program, a, b));
      const [s, v] = [
        [seed("s0"), seed("s1")],
        [seed("v0"), seed("v1")],
      ];
      const dot = (xs: readonly Tensor[], ys: readonly Tensor[]) =>
        xs.map((x, i) => reduceSum(mul(x, ys[i]!))).reduce((x, y) => add(x, y));
      const options = { unused: "zero" } as const;
      const inputs = [a, b, ...s, ...v].map((x, i) => [x, float64(values[i]!)] as const);
      const { backward, forward } = await evaluate(inputs, {
        backward: dot(vjp(outputs, [a, b], s, options), v),
        forward: dot(s, jvp(outputs, [a, b], v, options)),
      });
      const [x, y] = [Number(backward!.data[0]), Number(forward!.data[0])];
      // As above.
      expect(Math.abs(x - y) / (1 + Math.abs(x))).toBeLessThan(1e-9);
    }),
    { numRuns: 30 },
  );
});
