/** The optimizers, run by ONNX Runtime, against torch.optim's numbers (test/golden/make_optimizers.py). */
import { type OptimizerGroup, PRACTICAL_SCHEDULE, scheduleOf } from "@onnx-diffusion/diffusion";
import {
  adam,
  adamw,
  buildModel,
  Collector,
  clipByGlobalNorm,
  describeTraining,
  GRAPHS,
  gradients,
  input,
  linear,
  mul,
  native,
  planUpdates,
  reduceMean,
  sgd,
  sub,
  type TrainingOptions,
  tanh,
  unetCond,
  updateState,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { digest, formulaBatch, formulaUnits, formulaWeight, readDigest } from "./golden/formula.js";
import { distance, golden } from "./golden/golden.js";

const STEPS = 12;

const groups: OptimizerGroup[] = [
  { match: "*.bias", options: { weightDecay: 0 } },
  { match: "out.*", learningRateScale: 0.1 },
];

/** The cases of make_optimizers.py. */
const CASES: Record<string, TrainingOptions> = {
  sgd: { optimizer: sgd() },
  "sgd-momentum": { optimizer: sgd({ momentum: 0.9 }) },
  "sgd-dampening": { optimizer: sgd({ momentum: 0.8, dampening: 0.3, weightDecay: 0.1 }) },
  "sgd-nesterov": { optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.02 }) },
  adam: {},
  "adam-decay": { optimizer: adam({ weightDecay: 0.1, beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }) },
  "adam-beta0": { optimizer: adam({ beta1: 0, beta2: 0.9 }) },
  adamw: { optimizer: adamw() },
  "adamw-decay": { optimizer: adamw({ weightDecay: 0.5, beta1: 0.7, beta2: 0.99 }) },
  "sgd-clip": { optimizer: sgd(), clip: 3 },
  "adamw-clip-ema": { optimizer: adamw({ weightDecay: 0.1 }), clip: 2, ema: 0.9 },
  "adamw-groups": { optimizer: adamw({ weightDecay: 0.3 }), groups },
  "adam-frozen-ema": { groups: [{ match: "hidden.*", frozen: true }], ema: 0.5 },
};

/** The small problem of make_optimizers.py and one step on it. */
async function smallProblem(options: TrainingOptions) {
  const x = input("x", "float32", ["batch", 3]);
  const y = input("y", "float32", ["batch", 2]);
  const learningRate = input("learning_rate", "float32", []);
  const collector = new Collector({ training: true, lowering: native });
  const hidden = tanh(linear(collector.root.at("hidden"), x, { features: 5 }));
  const error = sub(linear(collector.root.at("out"), hidden, { features: 2 }), y);
  const loss = reduceMean(mul(error, error));
  const plan = planUpdates(collector.ordered(), options);
  const parameters = plan.trained.map((name) => collector.tensors.get(name)!);
  const grads = gradients(loss, parameters);
  const before = new Map(
    plan.state.map((s) => [s.name, collector.tensors.get(s.name) ?? input(s.name, s.dtype, s.shape)]),
  );
  const after = updateState(plan, { before, gradients: grads, learningRate });
  const next = [...after].map(([name, tensor]) => [`${name}.next`, tensor] as const);
  const model = buildModel({
    name: "step",
    inputs: [...before.values(), x, y, learningRate],
    outputs: { norm: clipByGlobalNorm(grads, 1).norm, ...Object.fromEntries(next) },
  });
  return { plan, session: await InferenceSession.create(writeOnnx(model)) };
}

/** Our name and scale of what torch.optim calls a moment. */
const SLOTS: Record<string, (options: Record<string, number>) => readonly [string, number]> = {
  exp_avg: ({ beta1 }) => ["exp_sum", 1 - beta1!],
  exp_avg_sq: ({ beta2 }) => ["exp_sum_sq", 1 - beta2!],
  momentum_buffer: () => ["momentum_buffer", 1],
};

const numbers = golden("optimizers");

describe.each(Object.entries(CASES))("%s", (name, options) => {
  test("twelve steps are torch.optim's", async () => {
    const { plan, session } = await smallProblem(options);
    let state = new Map(
      plan.state.map((s) => {
        const size = s.shape.reduce((a, b) => a * b, 1);
        const data = s.kind === "parameter" ? formulaUnits(`small/${s.name}`, size) : new Array(size).fill(0);
        return [s.name, new Tensor(s.dtype, data as number[], s.shape)];
      }),
    );
    const now = (tensor: string, scale = 1): number[] =>
      Array.from(state.get(tensor)!.data as Float32Array, (v) => v * scale);
    const norms: number[] = [];
    const ours = new Map<string, readonly number[]>();
    for (let step = 1; step <= STEPS; step++) {
      const y = formulaUnits(`small${step}/y`, 32).map((u) => 2 * u);
      const out = await session.run({
        ...Object.fromEntries(state),
        x: new Tensor("float32", formulaUnits(`small${step}/x`, 48), [16, 3]),
        y: new Tensor("float32", y, [16, 2]),
        learning_rate: new Tensor("float32", [0.05 / step], []),
      });
      norms.push(Number(out.norm!.data[0]));
      // what a step does not touch is no output
      state = new Map([...state].map(([s, before]) => [s, (out[`${s}.next`] as Tensor) ?? before]));
      if (step === 1 || step === STEPS)
        for (const s of plan.specs) ours.set(`after${step}/${s.name}`, now(s.name));
    }
    expect(state.get("step")!.data).toEqual(Int32Array.of(STEPS));
    if (options.clip) {
      // Some steps are clipped and some are not.
      expect(Math.min(...norms)).toBeLessThan(options.clip);
      expect(Math.max(...norms)).toBeGreaterThan(options.clip);
      ours.set("norms", norms);
    }
    const theirs = numbers.names.filter((n) => n.startsWith(`${name}/`)).map((n) => n.slice(name.length + 1));
    for (const tensor of theirs) {
      const [group, path] = tensor.split("/") as [string, string];
      if (group === "ema") ours.set(tensor, now(state.has(`${path}.ema`) ? `${path}.ema` : path));
      else if (group in SLOTS) {
        const [slot, scale] = SLOTS[group]!(
          plan.rules.get(path)!.optimizer.options as Record<string, number>,
        );
        ours.set(tensor, now(`${path}.${slot}`, scale));
      }
    }
    expect([...ours.keys()].sort()).toEqual(theirs.sort());
    // 4e-6 of the norm: PyTorch's own float32 is up to 4.3e-7 from its float64, which the file holds; sums are taken in
    // another order here.
    for (const [tensor, values] of ours)
      expect(distance(values, numbers.get(`${name}/${tensor}`)), tensor).toBeLessThan(4e-6);
  });
});

describe("the narrow U-Net with AdamW, clipping and an average of its weights", () => {
  const network = unetCond({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] });
  const training = describeTraining(network, scheduleOf(PRACTICAL_SCHEDULE), {
    optimizer: adamw({ weightDecay: 0.1 }),
    clip: 1,
    ema: 0.5,
  });
  const five = golden("unet-cond-narrow-adamw");
  const variants = golden("unet-cond-narrow").get("variants");

  test.each(["training_step", "optimizer_model"] as const)("five steps by %s", async (graph) => {
    const create = (name: keyof typeof GRAPHS) =>
      InferenceSession.create(writeOnnx(GRAPHS[name].build(training, GRAPHS[name].lowering)));
    const step = graph === "training_step" ? await create(graph) : undefined;
    const [forward, optimizer] = step ? [] : [await create("training_model"), await create(graph)];
    const learning_rate = new Tensor("float32", [1e-4], []);
    let state: Record<string, Tensor> = Object.fromEntries(
      training.state.map((s) => {
        const weights = s.kind === "parameter" || s.kind === "buffer";
        const size = s.shape.reduce((a, b) => a * b, 1);
        const data = weights ? formulaWeight(s.name, s.shape) : new Array<number>(size).fill(0);
        return [s.name, new Tensor(s.dtype, data as number[], s.shape)];
      }),
    );
    const stateFrom = (out: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(state).map(([name, before]) => [
          name,
          (out[`${name}.next`] as Tensor | undefined) ?? before,
        ]),
      );
    const only = (session: InferenceSession, feeds: Record<string, Tensor>) =>
      Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!]));
    for (let k = 0; k < 5; k++) {
      const { images, t, eps, labels } = formulaBatch(k, variants[k]!, 4);
      const batch = {
        images: new Tensor("uint8", images, [4, 3, 32, 32]),
        timestep: new Tensor("int32", t, [4]),
        noise: new Tensor("float32", eps, [4, 3, 32, 32]),
        class_labels: new Tensor("int32", labels, [4]),
      };
      if (step) {
        const out = await step.run({ ...state, ...batch, learning_rate });
        expect(Math.abs(Number(out.loss!.data[0]) / (five.get("losses")[k] as number) - 1)).toBeLessThan(
          1e-5,
        );
        state = stateFrom(out);
      } else {
        const out = await forward!.run(only(forward!, { ...state, ...batch }));
        state = stateFrom(out);
        const grads = out as Record<string, Tensor>;
        state = stateFrom(await optimizer!.run(only(optimizer!, { ...state, ...grads, learning_rate })));
      }
    }
    for (const { name, kind, of } of training.state) {
      if (kind === "optimizer" || kind === "counter") continue;
      const ours = digest(state[name]!.data as Float32Array);
      const group = kind === "average" ? `ema.digest/${of}` : `after5.digest/${name}`;
      const theirs = readDigest(five.get(group) as Float64Array);
      // 1e-5 of the norm: PyTorch's own float32 is up to 7e-7 from its float64.
      expect(Math.abs(ours.norm / theirs.norm - 1), name).toBeLessThan(1e-5);
      expect(distance(ours.values, theirs.values), name).toBeLessThan(1e-5);
    }
  });
});
