import { describe, expect, test } from "vitest";
import {
  add,
  buildModel,
  cast,
  constant,
  customVjp,
  div,
  exp,
  GraphError,
  gather,
  gradients,
  greater,
  input,
  jvp,
  loop,
  matmul,
  mul,
  pow,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  round,
  scalar,
  sigmoid,
  split,
  stopGradient,
  sub,
  type Tensor,
  tanh,
  vjp,
  where,
} from "../src/index.js";
import { apply, applyAll, defineOp } from "../src/op.js";
import { OPS } from "../src/ops/registry.js";
import { inScope } from "../src/scope.js";
import { evaluate, floats, randoms } from "./run.js";

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
    // What uses the first output comes before the second one.
    const apart = add(reduceSum(mul(a!, a!)), reduceSum(mul(b!, 3)));
    expect(await numbers(gradients(apart, [x])[0]!)).toEqual([2, 3, 3]);
  });

  test("stop at stopGradient and round, follow customVjp", async () => {
    expect(await numbers(gradients(reduceSum(mul(x, stopGradient(x))), [x])[0]!)).toEqual([1, 2, -3]);
    expect(await numbers(gradients(reduceSum(mul(x, round(x))), [x])[0]!)).toEqual([1, 2, -3]);
    const straight = customVjp([round(x)], [x], (g) => [g])[0]!;
    expect(await numbers(gradients(reduceSum(straight), [x])[0]!)).toEqual([1, 1, 1]);
  });

  test("by rows that are gathered several times add up, through another shape", async () => {
    // y = [x0 x0 x2; x2 x0 x1] row by row, L = sum(k * y^2): dL/dxi = 2 xi * the sum of the k where xi stands.
    const indices = constant("int32", [2, 3], [0, 0, 2, -1, 0, 1]);
    const y = gather(reshape(x, [3, 1]), indices);
    const k = constant("float32", [2, 3, 1], [1, 2, 3, 4, 5, 6]);
    const [g] = gradients(reduceSum(mul(mul(y, y), k)), [x]);
    expect(await numbers(g!)).toEqual([2 * (1 + 2 + 5), 4 * 6, -6 * (3 + 4)]);
  });

  test("of powers with a constant exponent: no slope by 0, also at 0, and no logarithm", async () => {
    const [g] = gradients(reduceSum(add(pow(x, 0), pow(x, 3))), [x]);
    const results = await evaluate([[x, floats([3], [0, 2, -1])]], { g: g! });
    expect(Array.from(results.g!.data as Float32Array)).toEqual([0, 12, 3]);
    const { nodes } = buildModel({ name: "m", inputs: [x], outputs: { g: g! } }).graph;
    expect(nodes.map((n) => n.opType)).not.toContain("Log");
  });

  test("are computed in the scope of what they are of", () => {
    const [g] = gradients(
      reduceSum(
        add(
          inScope("layer", () => exp(x)),
          sigmoid(x),
        ),
      ),
      [x],
    );
    const { nodes } = buildModel({ name: "m", inputs: [x], outputs: { g: g! } }).graph;
    const names = nodes.map((n) => n.name);
    expect(names).toEqual(expect.arrayContaining(["layer/Exp", "layer.grad/Mul", "Sigmoid", "grad/Sub"]));
  });

  test("are not duplicated by a trunk that two losses share", () => {
    const trunk = exp(x);
    const [a] = gradients(reduceSum(trunk), [x]);
    const [b] = gradients(reduceMean(trunk), [x]);
    const model = buildModel({ name: "m", inputs: [x], outputs: { a: a!, b: b! } });
    expect(model.graph.nodes.filter((n) => n.opType === "Exp")).toHaveLength(1);
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

describe("a trunk that two losses share", () => {
  // trunk: tanh(x)^2 / 2; its derivative is needed by both.
  const trunk = tanh(x);
  const half = mul(mul(trunk, trunk), 0.5);
  const losses = [reduceSum(half), reduceMean(exp(half))];
  const grads = losses.map((loss) => gradients(loss, [x])[0]!);

  test("is emitted once, with what its gradient rule computes", () => {
    const opTypes = (outputs: Tensor[]) =>
      buildModel({ name: "m", inputs: [x], outputs: Object.fromEntries(outputs.map((t, i) => [`y${i}`, t])) })
        .graph.nodes.map((n) => n.opType)
        .sort();
    const both = opTypes([...losses, ...grads]);
    expect(both.filter((op) => op === "Tanh")).toHaveLength(1);
    // The derivative of tanh, 1 - y^2: one subtraction for both.
    expect(both.filter((op) => op === "Sub")).toHaveLength(1);
    const apart = [0, 1].map((i) => opTypes([losses[i]!, grads[i]!]).length);
    expect(both.length).toBeLessThan(apart[0]! + apart[1]! - 4);
  });

  test("gives each loss its own gradient", async () => {
    const results = await evaluate([[x, at]], { a: grads[0]!, b: grads[1]! });
    Array.from(at.data as Float32Array).forEach((v, i) => {
      const slope = Math.tanh(v) * (1 - Math.tanh(v) ** 2);
      // float32 arithmetic: a few roundings of 6e-8; 1 - y^2 loses two more digits at v = -3.
      expect(Number(results.a!.data[i])).toBeCloseTo(slope, 6);
      expect(Number(results.b!.data[i])).toBeCloseTo((slope * Math.exp(Math.tanh(v) ** 2 / 2)) / 3, 6);
    });
  });
});

describe("vjp", () => {
  test("pulls each output's seed back and adds up", async () => {
    const seed = mul(x, 10);
    expect(await numbers(vjp([mul(x, x)], [x], [seed])[0]!)).toEqual([20, 80, 180]);
    expect(await numbers(gradients(mul(x, x), [x], { seed })[0]!)).toEqual([20, 80, 180]);
    // Outputs of several shapes, one of them twice: 10x * 2x + 3 * 1 + 10x * 2x.
    const square = mul(x, x);
    const three = scalar(3);
    expect(await numbers(vjp([square, reduceSum(x), square], [x], [seed, three, seed])[0]!)).toEqual([
      43, 163, 363,
    ]);
  });

  test("by several tensors, one made from another, is the total derivative by each", async () => {
    const doubled = mul(x, 2);
    const y = mul(doubled, x);
    const ones = constant("float32", [3], [1, 1, 1]);
    const [byX, byDoubled] = vjp([y], [x, doubled], [ones]);
    expect(await numbers(byX!)).toEqual([4, 8, -12]);
    expect(await numbers(byDoubled!)).toEqual([1, 2, -3]);
  });

  test("is linear in its seeds, to the bit for powers of two", async () => {
    const y = exp(mul(x, sigmoid(x)));
    const seed = constant("float32", [3], [0.25, -1.5, 3]);
    const [once] = vjp([y], [x], [seed]);
    const [scaled] = vjp([y], [x], [mul(seed, 8)]);
    expect(await numbers(scaled!)).toEqual((await numbers(once!)).map((v) => 8 * v));
  });
});

describe("jvp", () => {
  test("is the directional derivative of each output", async () => {
    const v = constant("float32", [3], [1, 10, 100]);
    // d(x^3) = 3 x^2 v; d(sum x^2) = 2 x.v; what does not depend on x has no slope.
    const [cubes, sum, other] = jvp(
      [pow(x, 3), reduceSum(mul(x, x)), constant("float32", [2], [1, 2])],
      [x],
      [v],
    );
    expect(await numbers(cubes!)).toEqual([3, 120, 2700]);
    expect(await numbers(sum!)).toEqual([2 * (1 + 20 - 300)]);
    expect(await numbers(other!)).toEqual([0, 0]);
  });

  test("by several tensors adds up, also where an output is the sum of a tensor and something", async () => {
    const y = input("y", "float32", []);
    const [slope] = jvp([add(y, reduceSum(mul(x, y)))], [x, y], [x, scalar(2)]);
    const results = await evaluate(
      [
        [x, at],
        [y, floats([], [5])],
      ],
      { slope: slope! },
    );
    // x.x is no part of it: d = 2 + y sum(x) + sum(x) 2 = 2 + 0 + 0 at sum(x) = 0.
    expect(Array.from(results.slope!.data as Float32Array)).toEqual([2]);
  });

  test("of a network is its numeric derivative", async () => {
    const w = input("w", "float64", [3, 4]);
    const v = input("v", "float64", [3, 4]);
    const image = constant("float64", [2, 3], [0.3, -0.4, 0.5, 0.1, 0.9, -0.7]);
    const net = (weight: Tensor) => softmaxLike(tanh(matmul(image, weight)));
    const softmaxLike = (t: Tensor) => div(exp(t), reduceSum(exp(t), { axes: [1], keepdims: true }));
    const [slope] = jvp([net(w)], [w], [v]);
    const h = 1e-5;
    const numeric = div(sub(net(add(w, mul(v, h))), net(sub(w, mul(v, h)))), 2 * h);
    const random = randoms(7);
    const values = () =>
      floats(
        [3, 4],
        Array.from({ length: 12 }, () => random() * 2 - 1),
        "float64",
      );
    const results = await evaluate(
      [
        [w, values()],
        [v, values()],
      ],
      { slope: slope!, numeric },
    );
    // Truncation h^2 / 6 times a third derivative and rounding 1e-16 / h: both under 1e-10.
    results.slope!.data.forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(Number(results.numeric!.data[i]), 9);
    });
  });

  test("keeps named sizes and computes nothing by the zeros it begins with", () => {
    const z = input("z", "float32", ["n", 3]);
    const [slope] = jvp([mul(z, z)], [z], [z]);
    expect(slope!.shape).toEqual(["n", 3]);
    const model = buildModel({ name: "m", inputs: [z], outputs: { y: slope! } });
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(["Mul", "Add"]);
  });
});

describe("what cannot be differentiated is named, with the way out", () => {
  const lonely = input("lonely", "float32", [2]);
  const labels = input("labels", "int32", [3]);
  const secondOnly = defineOp("TwoOutputs", {
    since: 1,
    infer: ({ input: operand }) => [operand(0), operand(0)].map(({ dtype, shape }) => ({ dtype, shape })),
    vjp: ({ grad }) => [grad],
  });
  const two = () => applyAll(secondOnly, [x], {}, 2);

  test.each<[string, () => unknown, string]>([
    [
      "a loss that is no scalar",
      () => gradients(x, [x]),
      "gradients: the loss is float32 [3], expected a floating-point scalar; reduce it with reduceMean() or pass a seed of its shape",
    ],
    [
      "a loss of whole numbers",
      () => gradients(reduceSum(cast(x, "int64")), [x]),
      "gradients: the loss is int64 [], expected floating point: whole numbers have no derivative; cast() what it is made from and go on in floating point",
    ],
    [
      "a gradient by whole numbers",
      () => gradients(reduceSum(cast(labels, "float32")), [labels]),
      'gradients: "labels" is int32 [3], expected floating point: whole numbers have no derivative; cast() what it is made from and go on in floating point',
    ],
    [
      "an output of whole numbers",
      () => vjp([labels], [x], [labels]),
      "vjp: an output is int32 [3], expected floating point: whole numbers have no derivative; cast() what it is made from and go on in floating point",
    ],
    [
      "the slope of whole numbers",
      () => jvp([cast(x, "int32")], [x], [x]),
      "jvp: an output is int32 [3], expected floating point: whole numbers have no derivative; cast() what it is made from and go on in floating point",
    ],
    [
      "a computed tensor without use",
      () => gradients(reduceSum(x), [mul(x, 2)]),
      'gradients: the loss does not depend on the output of Mul (float32 [3]); leave it out, or pass { unused: "zero" }',
    ],
    [
      "a way through a step, beside another tensor's through another one",
      () => gradients(add(reduceSum(round(x)), reduceSum(cast(greater(lonely, 0), "float32"))), [x, lonely]),
      'gradients: no gradient reaches "x" (float32 [3]): each of its ways passes Round, where the derivative is zero or there is none; compute the result another way, leave it out, or pass { unused: "zero" }',
    ],
    [
      "a tensor without use",
      () => gradients(reduceSum(x), [lonely]),
      'gradients: the loss does not depend on "lonely" (float32 [2]); leave it out, or pass { unused: "zero" }',
    ],
    [
      "a constant without use",
      () => vjp([x, mul(x, x)], [scalar(1)], [x, x]),
      'vjp: the outputs do not depend on a constant (float32 []); leave it out, or pass { unused: "zero" }',
    ],
    [
      "a way through whole numbers",
      () => gradients(reduceSum(cast(cast(x, "int32"), "float32")), [x]),
      'gradients: no gradient reaches "x" (float32 [3]): each of its ways passes Cast, where the derivative is zero or there is none; compute the result another way, leave it out, or pass { unused: "zero" }',
    ],
    [
      "ways through steps, comparisons and stopGradient",
      () =>
        inScope("layer", () =>
          gradients(reduceSum(add(round(x), where(greater(x, scalar(0)), stopGradient(exp(x)), scalar(1)))), [
            x,
          ]),
        ),
      'gradients: no gradient reaches "x" (float32 [3]): each of its ways passes Where "layer" or stopGradient "layer" or Round "layer", where the derivative is zero or there is none; compute the result another way, leave it out, or pass { unused: "zero" }',
    ],
    [
      "an operator without a rule",
      () => {
        const { carried } = loop({ trips: scalar(2, "int64"), carried: [x] }, (_, [y]) => ({
          carried: [sub(y!, 1)],
        }));
        return gradients(reduceSum(carried[0]!), [x]);
      },
      "gradients: Loop: a gradient has to pass it, and it has no rule for that; put stopGradient() around its result, or compute it from operators that have one",
    ],
    [
      "a second output alone",
      () => gradients(reduceSum(two()[1]!), [x]),
      "gradients: TwoOutputs: the gradient comes from output 1, expected output 0 alone: there is no rule for the others; put stopGradient() around output 1, or compute it another way",
    ],
    [
      "a second output beside the first",
      () => gradients(reduceSum(add(...(two() as [Tensor, Tensor]))), [x]),
      "gradients: TwoOutputs: the gradient comes from output 1, expected output 0 alone: there is no rule for the others; put stopGradient() around output 1, or compute it another way",
    ],
    [
      "seeds that are too few",
      () => vjp([x, x], [x], [x]),
      "vjp: 1 seeds are given, expected 2; give one for each tensor",
    ],
    [
      "a seed of another type",
      () => gradients(x, [x], { seed: lonely }),
      "gradients: seed 0 is float32 [2], expected float32 [3], the type of what it belongs to; cast(), expand() or reshape() it",
    ],
    [
      "a tangent of another type",
      () => jvp([x], [x], [cast(x, "float64")]),
      "jvp: tangent 0 is float64 [3], expected float32 [3], the type of what it belongs to; cast(), expand() or reshape() it",
    ],
    [
      "a reduction that has no rule",
      () => gradients(reduceSum(gatherNDInBatches()), [x]),
      "gradients: GatherND: no gradient for batch_dims > 0; put the batch into the indices",
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(new GraphError(message));
  });

  test("the first output alone has its gradient", async () => {
    expect(await numbers(gradients(reduceSum(mul(two()[0]!, 3)), [x])[0]!)).toEqual([3, 3, 3]);
  });

  test.each<[string, (grad: Tensor) => Tensor, string]>([
    ["shape", (grad) => reshape(grad, [1, 3]), "float32 [1, 3]"],
    ["type", (grad) => cast(grad, "float64"), "float64 [3]"],
  ])("a rule that gives a gradient of another %s is a bug of its operator's", (_, rule, found) => {
    const wrong = defineOp("Wrong", {
      since: 1,
      infer: ({ input: operand }) => [operand(0)],
      vjp: ({ grad }) => [rule(grad)],
    });
    expect(() => gradients(reduceSum(apply(wrong, [x])), [x])).toThrow(
      new Error(`gradient rule of Wrong: gave ${found} for an input of float32 [3]`),
    );
  });

  const gatherNDInBatches = () =>
    apply(OPS.get("GatherND")!, [reshape(x, [1, 3]), constant("int64", [1, 1, 1], [0])], { batch_dims: 1 });
});
