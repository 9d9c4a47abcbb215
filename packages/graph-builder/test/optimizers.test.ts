/** What the optimizers and groups refuse, and one of one's own. test/optimizers.test.ts has PyTorch's numbers. */
import { expect, test } from "vitest";
import {
  adam,
  adamw,
  buildModel,
  defineOptimizer,
  GraphError,
  input,
  mul,
  type Optimizer,
  type ParameterSpec,
  planUpdates,
  scalar,
  sgd,
  sign,
  sub,
  type TrainingOptions,
  updateState,
} from "../src/index.js";
import { evaluate, floats } from "./run.js";

const spec = (name: string): ParameterSpec => ({
  name,
  kind: "parameter",
  dtype: "float32",
  shape: [2],
  initializer: { kind: "constant", value: 0 },
});
const specs = [spec("a.weight"), spec("a.bias")];

test.each<[() => unknown, string]>([
  [() => adam({ beta1: 1 }), "adam: the option beta1 is 1, expected a number of 0 or more, below 1"],
  [() => adamw({ epsilon: -1 }), "adamw: the option epsilon is -1, expected a number of 0 or more"],
  [() => sgd({ momentum: Number.NaN }), "sgd: the option momentum is NaN, expected a number of 0 or more"],
  [() => sgd({ nesterov: 1 as never }), "sgd: the option nesterov is 1, expected true or false"],
  [
    () => sgd({ lr: 1 } as never),
    'sgd: there is no option "lr"; its options are: momentum, dampening, weightDecay, nesterov',
  ],
  [
    () => sgd({ momentum: 0.9 }).with({ dampening: 0.1, nesterov: true }),
    "sgd: nesterov needs a momentum above 0 and no dampening, found momentum 0.9 and dampening 0.1",
  ],
])("an option that cannot be: %s", (make, message) => {
  expect(make).toThrow(new GraphError(message));
});

test.each<[TrainingOptions, string]>([
  [{ clip: 0 }, "clip: found 0, expected a number above 0"],
  [{ ema: 1 }, "ema: found 1, expected a number of 0 or more, below 1"],
  [
    { groups: [{ match: "b.*", frozen: true }] },
    'parameter group "b.*": no parameter has such a path; the paths are like a.weight, a.bias',
  ],
  [
    { groups: [{ match: "*.bias", learningRateScale: -1 }] },
    'parameter group "*.bias": learningRateScale is -1, expected a number of 0 or more',
  ],
  [
    { groups: [{ match: "*.bias", options: { decay: 1 } }] },
    'adam: there is no option "decay"; its options are: beta1, beta2, epsilon, weightDecay',
  ],
  [
    { groups: [{ match: "a.*", frozen: true }] },
    "parameter groups: every parameter is frozen; leave at least one to train",
  ],
])("a choice that cannot be: %j", (options, message) => {
  expect(() => planUpdates(specs, options)).toThrow(new GraphError(message));
});

test("the first group that matches decides, and dots are no wildcards", () => {
  const { rules, state } = planUpdates([...specs, spec("a2bias")], {
    optimizer: sgd({ momentum: 0.9 }),
    groups: [
      { match: "a.bias", options: { momentum: 0 } },
      { match: "a.*", learningRateScale: 0.5 },
    ],
  });
  const chosen = [...rules].map(([name, { optimizer, learningRateScale }]) => [
    name,
    optimizer.options.momentum,
    learningRateScale,
  ]);
  expect(chosen).toEqual([
    ["a.weight", 0.9, 0.5],
    ["a.bias", 0, 1],
    ["a2bias", 0.9, 1],
  ]);
  expect(state.filter((s) => s.kind === "optimizer").map((s) => s.name)).toEqual([
    "a.weight.momentum_buffer",
    "a2bias.momentum_buffer",
  ]);
});

test("an optimizer of one's own", async () => {
  const signSgd = defineOptimizer({
    name: "sign-sgd",
    description: "steps of one size (Bernstein et al. 2018)",
    options: {},
    slots: () => [],
    begin:
      (_, __, learningRate) =>
      ({ value }, gradient) => ({ value: sub(value, mul(sign(gradient), learningRate)), slots: [] }),
  });
  const plan = planUpdates([spec("w")], { optimizer: signSgd() });
  const [w, g] = [input("w", "float32", [2]), input("g", "float32", [2])];
  const step = input("step", "int32", []);
  const after = updateState(plan, {
    before: new Map([
      ["w", w],
      ["step", step],
    ]),
    gradients: [g],
    learningRate: scalar(0.5),
  });
  const results = await evaluate(
    [
      [w, floats([2], [1, 2])],
      [g, floats([2], [-7, 0.25])],
      [step, { dtype: "int32", dims: [], data: Int32Array.of(4) }],
    ],
    { next: after.get("w")!, count: after.get("step")! },
  );
  expect(Array.from(results.next!.data as Float32Array)).toEqual([1.5, 1.5]);
  expect(results.count!.data).toEqual(Int32Array.of(5));
});

test("small parameters are updated as one vector, if asked for and where the optimizer is elementwise, to the same bits", async () => {
  const shapes = { a: [3], big: [100, 100], b: [2, 2], c: [] } as const;
  const parameters = Object.entries(shapes).map(([name, shape]) => ({ ...spec(name), shape }));
  const { begin, slots } = adam();
  const alone = defineOptimizer({
    name: "adam-one-by-one",
    description: "Adam without saying that it is elementwise",
    options: {},
    slots: () => slots,
    begin: (_, step, learningRate) => begin(step, learningRate),
  });
  const stepOf = (optimizer: Optimizer) => {
    const plan = planUpdates(parameters, { optimizer, ema: 0.9 });
    const before = new Map(plan.state.map((s) => [s.name, input(s.name, s.dtype, s.shape)]));
    const gradients = plan.trained.map((name) => input(`${name}_grad`, "float32", before.get(name)!.shape));
    const after = updateState(plan, { before, gradients, learningRate: scalar(0.1), smallTogether: true });
    return {
      inputs: [...before.values(), ...gradients],
      outputs: Object.fromEntries([...after].map(([name, t]) => [`${name}.next`, t])),
    };
  };
  const [together, apart] = [stepOf(adam()), stepOf(alone())];
  const values = together.inputs.map(({ dtype, shape }, k) => {
    const dims = shape as readonly number[];
    const size = dims.reduce((product, n) => product * n, 1);
    if (dtype === "int32") return { dtype, dims, data: Int32Array.of(2) };
    return floats(
      dims,
      Array.from({ length: size }, (_, i) => (((7 * i + 3 * k) % 11) + 1) / 13),
    );
  });
  const run = ({ inputs, outputs }: typeof together) =>
    evaluate(
      inputs.map((tensor, i) => [tensor, values[i]!]),
      outputs,
    );
  expect(await run(together)).toEqual(await run(apart));
  const divisions = ({ inputs, outputs }: typeof together) =>
    buildModel({ name: "update", inputs, outputs }).graph.nodes.filter(({ opType }) => opType === "Div")
      .length;
  expect(divisions(apart) - divisions(together)).toBe(2);
});
