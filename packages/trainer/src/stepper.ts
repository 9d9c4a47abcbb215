/** Runs chunks of training steps in a session and holds the state between them. */

import type { Manifest } from "@onnx-diffusion/diffusion";
import { Tensor } from "onnxruntime-node";
import type { Chunk } from "./batches.js";
import type { DeviceSession } from "./devices.js";
import { asStateArray, type State } from "./state.js";

export interface Stepper {
  /** State after the steps taken so far. */
  readonly state: State;
  /** Takes the steps of a chunk. @returns their losses, in order. */
  run(chunk: Chunk): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface StepperOptions {
  readonly manifest: Manifest;
  readonly session: DeviceSession;
  /** Of a step, counted from 1. */
  readonly learningRate: (step: number) => number;
  readonly state: State;
}

/** A stepper over `training_loop` (all steps of a chunk in one run) or `training_step` (one run a step). */
export function createStepper(options: StepperOptions): Stepper {
  const { manifest } = options;
  const { session, graph } = options.session;
  const takesRates = hasRateOfEachStep(manifest);
  let state = options.state;

  /** One run; `batch` are the inputs beside the state. */
  async function advance(batch: Record<string, Tensor>, losses: "losses" | "loss"): Promise<Float32Array> {
    const feeds = { ...batch };
    for (const { name, dtype, shape } of manifest.state)
      feeds[name] = new Tensor(dtype, state.get(name)!, shape);
    const results = await session.run(feeds);
    state = new Map(
      manifest.state.map((tensor) => {
        const data = results[`${tensor.name}.next`]?.data;
        return [tensor.name, asStateArray(tensor, data, graph)];
      }),
    );
    return results[losses]!.data as Float32Array;
  }

  return {
    get state() {
      return state;
    },
    async run(chunk) {
      const rates = Float32Array.from({ length: chunk.steps }, (_, i) =>
        options.learningRate(chunk.first + i),
      );
      if (graph === "training_loop") {
        const learning_rate = takesRates ? new Tensor("float32", rates, [chunk.steps]) : scalar(rates[0]!);
        return advance({ ...loopInputs(manifest, chunk), learning_rate }, "losses");
      }
      const losses = new Float32Array(chunk.steps);
      for (let i = 0; i < chunk.steps; i++) {
        const inputs = { ...stepInputs(manifest, chunk, i), learning_rate: scalar(rates[i]!) };
        losses[i] = (await advance(inputs, "loss"))[0]!;
      }
      return losses;
    },
    dispose: () => session.release(),
  };
}

/** Whether `training_loop` takes a learning rate for each step, as it does since they may fall; before, one for all. */
export function hasRateOfEachStep({ graphs }: Manifest): boolean {
  return graphs.training_loop?.inputs.find(({ name }) => name === "learning_rate")?.shape.length === 1;
}

const scalar = (value: number): Tensor => new Tensor("float32", Float32Array.of(value), []);

/** The inputs of `training_loop` beside state and learning rate. */
function loopInputs(manifest: Manifest, chunk: Chunk): Record<string, Tensor> {
  const { channels, height, width } = manifest.image;
  const rows = [chunk.steps, chunk.batch];
  return {
    images: new Tensor("uint8", chunk.images, [...rows, channels, height, width]),
    timestep: new Tensor("int32", chunk.timestep, rows),
    noise: new Tensor("float32", chunk.noise, [...rows, channels, height, width]),
    ...(manifest.classes > 0 ? { class_labels: new Tensor("int32", chunk.labels, rows) } : {}),
  };
}

/** The inputs of `training_step` for step i of a chunk. */
function stepInputs(manifest: Manifest, chunk: Chunk, i: number): Record<string, Tensor> {
  const { channels, height, width } = manifest.image;
  const { batch } = chunk;
  const size = batch * channels * height * width;
  const shape = [batch, channels, height, width];
  return {
    images: new Tensor("uint8", chunk.images.slice(i * size, (i + 1) * size), shape),
    timestep: new Tensor("int32", chunk.timestep.slice(i * batch, (i + 1) * batch), [batch]),
    noise: new Tensor("float32", chunk.noise.slice(i * size, (i + 1) * size), shape),
    ...(manifest.classes > 0
      ? { class_labels: new Tensor("int32", chunk.labels.slice(i * batch, (i + 1) * batch), [batch]) }
      : {}),
  };
}
