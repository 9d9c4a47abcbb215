/** How long the forms of a convolution take on this machine. */

import { type ConvolutionForm, fillNormals } from "@onnx-diffusion/diffusion";
import { type Convolution, formsOf, type ModelValue, writeOnnx } from "@onnx-diffusion/graph-builder";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { createSessionOf } from "../devices.js";
import { layerModel } from "./layer.js";

/** Milliseconds of each form, one for each round. */
export type Timings = ReadonlyMap<ConvolutionForm, readonly number[]>;

export interface MeasureOptions {
  readonly batch: number;
  readonly threads: number;
  /** Rounds that count; in each every form has its turn. */
  readonly rounds: number;
  readonly signal: AbortSignal;
}

/** Rounds before them: memory is set up, caches and clock are warm. */
const WARM_UP = 2;

/**
 * Times the forms in turns, each round beginning with another one. Yields after each run the share that is done.
 *
 * @throws the signal's reason once it is aborted, between two runs.
 */
export async function* measure(
  convolution: Convolution,
  { batch, threads, rounds, signal }: MeasureOptions,
): AsyncGenerator<number, Timings, undefined> {
  const forms = formsOf(convolution);
  const timings = new Map(forms.map((form): [ConvolutionForm, number[]] => [form, []]));
  const layers: Layer[] = [];
  try {
    for (const form of forms) {
      signal.throwIfAborted();
      layers.push(await openLayer(convolution, form, batch, threads));
    }
    const total = (WARM_UP + rounds) * forms.length;
    for (let turn = 0; turn < total; turn++) {
      signal.throwIfAborted();
      const round = Math.floor(turn / forms.length);
      const which = (turn + round) % forms.length;
      const time = await layers[which]!.run();
      if (round >= WARM_UP) timings.get(forms[which]!)!.push(time);
      yield (turn + 1) / total;
    }
    return timings;
  } finally {
    for (const { session } of layers) await session.release();
  }
}

interface Layer {
  readonly session: InferenceSession;
  /** @returns milliseconds. */
  run(): Promise<number>;
}

async function openLayer(
  convolution: Convolution,
  form: ConvolutionForm,
  batch: number,
  threads: number,
): Promise<Layer> {
  const model = layerModel(convolution, form);
  // A pool that goes on spinning after its run would take a core from the next form's.
  const options = { threads, spinOn: false };
  const session = await createSessionOf(writeOnnx(model), `${form} of a convolution`, "cpu", options);
  const feeds = Object.fromEntries(
    model.graph.inputs.map((value, i) => [value.name, normals(value, batch, i)]),
  );
  let results: InferenceSession.OnnxValueMapType | undefined;
  return {
    session,
    async run() {
      const start = performance.now();
      // The results' memory is used again, as between the nodes of a step.
      results = await (results ? session.run(feeds, results) : session.run(feeds));
      return performance.now() - start;
    },
  };
}

function normals({ shape }: ModelValue, batch: number, index: number): Tensor {
  const dims = shape.map((dim) => (typeof dim === "number" ? dim : batch));
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  fillNormals(values, { seed: 0, purpose: "noise", index });
  return new Tensor("float32", values, dims);
}
