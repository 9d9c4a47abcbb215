/** Parameters that two layers share. */
import { expect, test } from "vitest";
import {
  Collector,
  gradients,
  input,
  linear,
  mul,
  native,
  planUpdates,
  reduceSum,
  tanh,
} from "../src/index.js";
import { evaluate, floats } from "./run.js";

test("layers of one path share their parameters, whose gradient is the sum of both uses", async () => {
  const x = input("x", "float32", [1, 2]);
  const collector = new Collector({ training: true, lowering: native });
  const layer = collector.root.at("layer");
  const once = linear(layer, x, { features: 2, bias: false });
  const twice = linear(layer, tanh(once), { features: 2, bias: false });
  expect(collector.ordered().map((s) => s.name)).toEqual(["layer.weight"]);
  // Two moments and the counter beside the one weight: the optimizer sees it once too.
  expect(planUpdates(collector.ordered()).state).toHaveLength(4);

  const loss = reduceSum(mul(twice, twice));
  const [gradient] = gradients(loss, [collector.tensors.get("layer.weight")!]);
  const w = [0.5, -0.3, 0.2, 0.8];
  const at = [1, 2];
  const results = await evaluate(
    [
      [x, floats([1, 2], at)],
      [collector.tensors.get("layer.weight")!, floats([2, 2], w)],
    ],
    { gradient: gradient! },
  );
  const apply = (m: readonly number[], [a, b]: readonly number[]) => [
    m[0]! * a! + m[1]! * b!,
    m[2]! * a! + m[3]! * b!,
  ];
  const lossAt = (m: readonly number[]) =>
    apply(m, apply(m, at).map(Math.tanh)).reduce((sum, v) => sum + v * v, 0);
  w.forEach((_, i) => {
    const moved = (h: number) => lossAt(w.map((v, k) => (k === i ? v + h : v)));
    const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    // Central differences in float64 are exact to 1e-9 here; the graph is float32, values near 1.
    expect(Math.abs((results.gradient!.data as Float32Array)[i]! - slope)).toBeLessThan(2e-6);
  });
});
