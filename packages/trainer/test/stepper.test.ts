import { beforeAll, describe, expect, it } from "vitest";
import { type ModelFolder, readModelFolder } from "../src/artifacts.js";
import { batchMaker } from "../src/batches.js";
import type { Dataset } from "../src/data/index.js";
import { createSession, createTrainingSession } from "../src/devices.js";
import { planChunks } from "../src/plan.js";
import { initialState, type State } from "../src/state.js";
import { createStepper } from "../src/stepper.js";
import { emitSmallModel } from "./small-model.js";

let model: ModelFolder;
beforeAll(() => {
  model = readModelFolder(emitSmallModel(), "--artifacts");
});

const size = 3 * 32 * 32;
/** 64 images of stripes. */
const dataset: Dataset = {
  name: "stripes",
  count: 64,
  channels: 3,
  height: 32,
  width: 32,
  classes: 10,
  classNames: [],
  digest: "",
  images: (indices, out) => {
    for (let i = 0; i < out.length; i++) out[i] = ((i % size) * (1 + indices[Math.floor(i / size)]!)) & 255;
  },
  labels: (indices, out) => {
    for (let i = 0; i < out.length; i++) out[i] = indices[i]! % 10;
  },
};

interface Result {
  readonly losses: number[];
  readonly state: State;
}

/** Falling, so that each step has another. */
const rateOf = (step: number) => 1e-3 * (1 - step / 12);

/** 6 steps of batch 4, `most` to a run. */
async function take(graph: "training_loop" | "training_step", most: number, folder = model): Promise<Result> {
  const { manifest } = folder;
  const session =
    graph === "training_loop"
      ? await createTrainingSession(folder, "cpu", { threads: 2 })
      : // what WebGPU takes, on a device that every machine has
        {
          session: await createSession(folder, graph, "cpu", { threads: 2 }),
          graph,
          device: "cpu" as const,
          rejected: [],
        };
  const state = initialState(manifest, 1);
  const stepper = createStepper({ manifest, session, learningRate: rateOf, state });
  const make = batchMaker(manifest, dataset, { seed: 1, batch: 4 });
  const losses: number[] = [];
  for (const range of planChunks({ from: 0, to: 6, stops: [], most })) {
    losses.push(...(await stepper.run(make(range))));
  }
  const result = { losses, state: stepper.state };
  await stepper.dispose();
  return result;
}

describe("steps", () => {
  it("give the same bits however many run at a time", async () => {
    const whole = await take("training_loop", 6);
    expect(whole.losses).toHaveLength(6);
    for (const most of [1, 4]) {
      const parts = await take("training_loop", most);
      expect(parts.losses).toEqual(whole.losses);
      expect([...parts.state]).toEqual([...whole.state]);
    }
  });

  it("are those of single runs of training_step, up to the order of sums", async () => {
    const loop = await take("training_loop", 6);
    const single = await take("training_step", 6);
    for (const [i, loss] of single.losses.entries()) {
      // Native Conv against Gemm: float32 sums of some thousand terms in another order, carried over 6 Adam steps.
      expect(Math.abs(loss - loop.losses[i]!)).toBeLessThan(1e-4 * loop.losses[i]!);
    }
    expect(single.state.get("step")).toEqual(Int32Array.of(6));
  });

  it("leave frozen parameters as they were and carry averages of the others", async () => {
    const flags = "--optimizer adamw --freeze down1.* --clip 1 --ema 0.5".split(" ");
    const folder = readModelFolder(emitSmallModel(...flags), "--artifacts");
    const before = initialState(folder.manifest, 1);
    for (const graph of ["training_loop", "training_step"] as const) {
      const { state } = await take(graph, 6, folder);
      for (const { name, kind, frozen } of folder.manifest.state) {
        if (kind !== "parameter") continue;
        expect(frozen ?? false, name).toBe(name.startsWith("down1."));
        if (frozen) expect(state.get(name), name).toEqual(before.get(name));
        else {
          expect(state.get(name), name).not.toEqual(before.get(name));
          const norm = (t: Iterable<number>) => Math.hypot(...t);
          const [value, average] = [state.get(name)!, state.get(`${name}.ema`)!];
          const apart = norm(value.map((v, i) => v - average[i]!));
          // Behind the value by about the last step, never by as much as all six: at most 6e-3 an element.
          expect(apart, name).toBeGreaterThan(0);
          expect(apart, name).toBeLessThan(6e-3 * Math.sqrt(value.length));
        }
      }
      expect(state.has("down1.conv.weight.exp_sum")).toBe(false);
      expect(state.get("down1.bn.running_mean.ema")).toBeDefined();
    }
  });
});

it("says what is missing for WebGPU where a machine has no adapter", async () => {
  const failure = await createTrainingSession(model, "webgpu", { threads: 1 }).then(
    async ({ session }) => void (await session.release()),
    (error: Error) => error.message,
  );
  // a machine with an adapter has nothing to say
  if (failure !== undefined)
    expect(failure).toMatch(/^device webgpu: ONNX Runtime cannot run .*training_step/);
});
