/** The emitted graphs, run by ONNX Runtime, against PyTorch's numbers (test/golden). */
import { PRACTICAL_SCHEDULE, type StateTensor, scheduleOf } from "@onnx-diffusion/diffusion";
import {
  convNet,
  cpu,
  describeTraining,
  GRAPHS,
  type Lowering,
  type Network,
  native,
  type Training,
  unet,
  unetCond,
  unetTime,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { digest, formulaBatch, formulaWeight, readDigest } from "./golden/formula.js";
import { distance, golden, type Numbers } from "./golden/golden.js";

type Batch = { images: Uint8Array; t: Int32Array; eps: Float32Array; labels: Int32Array };

const sessionOf = (training: Training, graph: keyof typeof GRAPHS, lowering: Lowering) =>
  InferenceSession.create(writeOnnx(GRAPHS[graph].build(training, lowering)));

/** A step's; with `lead`, one for each of that many. */
const rates = (lead: number[] = []) => ({
  learning_rate: new Tensor("float32", new Float32Array(lead[0] ?? 1).fill(1e-4), lead),
});

function batchFeeds(network: Network, { images, t, eps, labels }: Batch, count: number, lead: number[] = []) {
  const shape = [...lead, count, 3, 32, 32];
  return {
    images: new Tensor("uint8", images, shape),
    timestep: new Tensor("int32", t, [...lead, count]),
    noise: new Tensor("float32", eps, shape),
    ...(network.classes > 0 ? { class_labels: new Tensor("int32", labels, [...lead, count]) } : {}),
  };
}

function stacked(batches: readonly Batch[]): Batch {
  const join = <A extends Numbers>(pick: (b: Batch) => A, Typed: new (n: number) => A): A => {
    const parts = batches.map(pick);
    const all = new Typed(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part as never, at);
      at += part.length;
    }
    return all;
  };
  return {
    images: join((b) => b.images, Uint8Array),
    t: join((b) => b.t, Int32Array),
    eps: join((b) => b.eps, Float32Array),
    labels: join((b) => b.labels, Int32Array),
  };
}

const stateFeeds = (state: readonly StateTensor[], weights: (name: string) => Float32Array) =>
  Object.fromEntries(
    state.map((s) => {
      const size = s.shape.reduce((a, b) => a * b, 1);
      if (s.kind === "counter") return [s.name, new Tensor("int32", [0], [])];
      return [
        s.name,
        new Tensor("float32", s.kind === "optimizer" ? new Float32Array(size) : weights(s.name), s.shape),
      ];
    }),
  );

const narrow = { channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] };
const CASES = [
  ["unet-cond-narrow", unetCond(narrow)],
  ["unet-narrow", unet(narrow)],
  ["unet-time-narrow", unetTime({ ...narrow, time: 16 })],
  ["conv-narrow", convNet({ hidden: 8 })],
] as const;
const schedule = scheduleOf(PRACTICAL_SCHEDULE);

// A convolution's bias before a batch norm has no effect: its true gradient is zero, and Adam turns the rounding noise
// of both sides into moves of up to the learning rate, five times; the running mean follows.
const NO_EFFECT = new Set(["conv1.conv.bias", "conv1.bn.running_mean"]);

describe.each(CASES)("%s", (file, network) => {
  const training = describeTraining(network, schedule);
  const numbers = golden(file);
  const weights = (name: string) => numbers.get(`weights/${name}`) as Float32Array;
  const batches = [0, 1, 2, 3, 4].map((k): Batch => {
    const part = (name: string) => numbers.get(`batch${k}/${name}`);
    return {
      images: part("images") as Uint8Array,
      t: part("t") as Int32Array,
      eps: part("eps") as Float32Array,
      labels: network.classes > 0 ? (part("labels") as Int32Array) : new Int32Array(),
    };
  });

  test.each([native, cpu])(
    "loss, gradients and running statistics of one batch ($target lowering)",
    async (lowering) => {
      const session = await sessionOf(training, "training_model", lowering);
      const feeds = { ...stateFeeds(training.specs, weights), ...batchFeeds(network, batches[0]!, 4) };
      const out = await session.run(feeds);
      // 1e-5 relative: PyTorch's own float32 is 2e-7 from its float64.
      expect(Math.abs(Number(out.loss!.data[0]) / (numbers.get("losses64")[0] as number) - 1)).toBeLessThan(
        1e-5,
      );
      for (const { name, kind } of training.specs) {
        const [ours, theirs] =
          kind === "parameter" ? [`${name}_grad`, `grad64/${name}`] : [`${name}.next`, `buffers1/${name}`];
        const a = out[ours]!.data as Float32Array;
        const b = numbers.get(theirs);
        expect(a.length).toBe(b.length);
        // 1e-4 of the norm: PyTorch's own float32 is up to 1e-6 from its float64.
        if (kind === "buffer" || !NO_EFFECT.has(name)) expect(distance(a, b), name).toBeLessThan(1e-4);
        // Zero on the scale of the other gradients, which are near 1.
        else expect(Math.max(...a.map(Math.abs)), name).toBeLessThan(1e-5);
      }
    },
  );

  test.each(["training_loop", "training_step"] as const)("state after five steps by %s", async (graph) => {
    const { lowering } = GRAPHS[graph];
    const session = await sessionOf(training, graph, lowering);
    let state: Record<string, Tensor> = stateFeeds(training.state, weights);
    const losses: number[] = [];
    const chunks =
      graph === "training_loop"
        ? [{ ...batchFeeds(network, stacked(batches), 4, [5]), ...rates([5]) }]
        : batches.map((b) => ({ ...batchFeeds(network, b, 4), ...rates() }));
    for (const chunk of chunks) {
      const out = await session.run({ ...state, ...chunk });
      losses.push(...Array.from((out.losses ?? out.loss)!.data as Float32Array));
      state = Object.fromEntries(training.state.map((s) => [s.name, out[`${s.name}.next`]! as Tensor]));
    }
    expect(Number(state.step!.data[0])).toBe(5);
    losses.forEach((loss, i) => {
      expect(Math.abs(loss / (numbers.get("losses64")[i] as number) - 1)).toBeLessThan(1e-5);
    });
    for (const { name, kind, of } of training.state) {
      if (NO_EFFECT.has(of ?? name) || kind === "counter") continue;
      const data = state[name]!.data as Float32Array;
      if (kind !== "optimizer") {
        // 1e-5 of the norm: PyTorch's own float32 is up to 2.5e-6 from its float64.
        expect(distance(data, numbers.get(`after5/${name}`)), name).toBeLessThan(1e-5);
      } else if (numbers.has(`after5.exp_avg/${of}`)) {
        const [group, scale] = name.endsWith(".exp_sum") ? ["exp_avg", 1 - 0.9] : ["exp_avg_sq", 1 - 0.999];
        // As gradients.
        expect(
          distance(
            data.map((v) => v * scale),
            numbers.get(`after5.${group}/${of}`),
          ),
          name,
        ).toBeLessThan(1e-4);
      }
    }
  });
});

describe("unet-cond-full", () => {
  const network = unetCond();
  const training = describeTraining(network, schedule);
  const numbers = golden("unet-cond-full");
  const shapes = new Map(training.specs.map((s) => [s.name, s.shape]));
  const weights = (name: string) => formulaWeight(name, shapes.get(name)!);
  const variants = numbers.get("variants");
  const batches = [0, 1, 2, 3, 4].map((k) => formulaBatch(k, variants[k]!, 4));
  const stored = (name: string) => readDigest(numbers.get(name) as Float64Array);

  test.each([native, cpu])("loss and gradients ($target lowering)", async (lowering) => {
    const session = await sessionOf(training, "training_model", lowering);
    const out = await session.run({
      ...stateFeeds(training.specs, weights),
      ...batchFeeds(network, batches[0]!, 4),
    });
    expect(Math.abs(Number(out.loss!.data[0]) / (numbers.get("losses64")[0] as number) - 1)).toBeLessThan(
      1e-5,
    );
    for (const { name, kind } of training.specs) {
      if (kind !== "parameter") continue;
      const ours = digest(out[`${name}_grad`]!.data as Float32Array);
      const theirs = stored(`grad64.digest/${name}`);
      // 1e-4, as for the narrow networks; the 64 values on the scale of the whole tensor's root mean square.
      expect(Math.abs(ours.norm / theirs.norm - 1), name).toBeLessThan(1e-4);
      expect(distance(ours.values, theirs.values), name).toBeLessThan(1e-4);
    }
  });

  test.each([native, cpu])("state after five steps by training_loop ($target lowering)", async (lowering) => {
    const session = await sessionOf(training, "training_loop", lowering);
    const feeds = {
      ...stateFeeds(training.state, weights),
      ...batchFeeds(network, stacked(batches), 4, [5]),
      ...rates([5]),
    };
    const out = await session.run(feeds);
    (out.losses!.data as Float32Array).forEach((loss, i) => {
      expect(Math.abs(loss / (numbers.get("losses64")[i] as number) - 1)).toBeLessThan(1e-5);
    });
    // As above; minimal filtering, which the narrow networks are too small for, rounds some four times as coarsely.
    const tolerance = lowering === cpu ? 4e-5 : 1e-5;
    for (const { name } of training.specs) {
      const ours = digest(out[`${name}.next`]!.data as Float32Array);
      const theirs = stored(`after5_64.digest/${name}`);
      expect(Math.abs(ours.norm / theirs.norm - 1), name).toBeLessThan(tolerance);
      expect(distance(ours.values, theirs.values), name).toBeLessThan(tolerance);
    }
  });
});
