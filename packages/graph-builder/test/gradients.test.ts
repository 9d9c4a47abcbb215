import { describe, expect, test } from "vitest";
import {
  add,
  buildModel,
  customVjp,
  exp,
  GraphError,
  gradients,
  input,
  loop,
  mul,
  pow,
  reduceMean,
  reduceSum,
  relu,
  round,
  scalar,
  split,
  stopGradient,
  sub,
} from "../src/index.js";
import { evaluate, floats } from "./run.js";

const x = input("x", "float32", [3]);
const at = floats([3], [1, 2, -3]);
const numbers = async (t: Parameters<typeof evaluate>[1][string]) =>
  Array.from((await evaluate([[x, at]], { y: t })).y!.data as Float32Array);

describe("gradients", () => {
  test("of gradients: d/dx of (d/dx x^4)^2 summed is 96 x^5", async () => {
    const [first] = gradients(reduceSum(pow(x, 4)), [x]);
    const [second] = gradients(reduceSum(mul(first!, first!)), [x]);
    expect(await numbers(second!)).toEqual([96, 96 * 32, 96 * -243]);
  });

  test("by a tensor in the middle, and on beyond it", async () => {
    const middle = mul(x, 2);
    const [byMiddle, byX] = gradients(reduceSum(mul(middle, middle)), [middle, x]);
    expect(await numbers(byMiddle!)).toEqual([4, 8, -12]);
    expect(await numbers(byX!)).toEqual([8, 16, -24]);
  });

  test("wait for all uses of every output of a node", async () => {
    const [a, b] = split(x, [1, 2], 0);
    const late = mul(a!, a!);
    const [g] = gradients(add(reduceSum(mul(b!, late)), reduceSum(late)), [x]);
    // L = (x1 + x2) x0^2 + x0^2
    expect(await numbers(g!)).toEqual([0, 1, 1]);
  });

  test("stop at stopGradient and round, follow customVjp", async () => {
    expect(await numbers(gradients(reduceSum(mul(x, stopGradient(x))), [x])[0]!)).toEqual([1, 2, -3]);
    expect(await numbers(gradients(reduceSum(mul(x, round(x))), [x])[0]!)).toEqual([1, 2, -3]);
    const straight = customVjp([round(x)], [x], (g) => [g])[0]!;
    expect(await numbers(gradients(reduceSum(straight), [x])[0]!)).toEqual([1, 1, 1]);
  });

  test("with a seed are vector-Jacobian products", async () => {
    const seed = mul(x, 10);
    expect(await numbers(gradients(mul(x, x), [x], { seed })[0]!)).toEqual([20, 80, 180]);
  });

  test("are not duplicated by a trunk that two losses share", () => {
    const trunk = exp(x);
    const [a] = gradients(reduceSum(trunk), [x]);
    const [b] = gradients(reduceMean(trunk), [x]);
    const model = buildModel({ name: "m", inputs: [x], outputs: { a: a!, b: b! } });
    expect(model.graph.nodes.filter((n) => n.opType === "Exp")).toHaveLength(1);
  });

  test("say what is wrong", () => {
    const lonely = input("lonely", "float32", [2]);
    expect(() => gradients(x, [x])).toThrow(
      new GraphError(
        "gradients: the loss is float32 [3], expected a floating-point scalar; reduce it with reduceMean() or pass a seed of its shape",
      ),
    );
    expect(() => gradients(reduceSum(x), [lonely])).toThrow(
      new GraphError(
        'gradients: the loss does not depend on "lonely" (float32 [2]); leave it out, or pass { unused: "zero" }',
      ),
    );
    const { carried } = loop({ trips: scalar(2, "int64"), carried: [x] }, (_, [y]) => ({
      carried: [sub(y!, 1)],
    }));
    expect(() => gradients(reduceSum(carried[0]!), [x])).toThrow(
      /gradients: Loop: the operator has no gradient; put stopGradient\(\) around it/,
    );
  });

  test("of what the loss does not use are zeros on request", async () => {
    const lonely = input("lonely", "float32", [2]);
    const [g] = gradients(reduceSum(relu(x)), [lonely], { unused: "zero" });
    const results = await evaluate(
      [
        [x, at],
        [lonely, floats([2], [5, 6])],
      ],
      { g: g!, y: x },
    );
    expect(Array.from(results.g!.data as Float32Array)).toEqual([0, 0]);
  });
});
