/** Drawing images with an exported model: the samplers' tables, walked with `inference_model.onnx`. */

import {
  argumentName,
  batchesOf,
  epsFrom,
  fillImageNoise,
  type Manifest,
  networkInputs,
  type SamplerName,
  type Spacing,
  sample,
  samplerRows,
  scheduleOf,
  toPixels,
  UserError,
} from "@onnx-diffusion/diffusion";
import { type InferenceSession, Tensor } from "onnxruntime-node";

export interface DrawOptions {
  readonly manifest: Manifest;
  readonly session: InferenceSession;
  readonly sampler: SamplerName;
  /** Default: trailing. */
  readonly spacing?: Spacing;
  /** Steps of the sampler, 1..T. */
  readonly steps: number;
  readonly seed: number;
  readonly count: number;
  /** The label of each image; empty for a model without classes. */
  readonly labels: readonly number[];
  readonly signal?: AbortSignal;
}

export interface DrawProgress {
  /** Evaluations of the network done and to do, over all batches. */
  readonly done: number;
  readonly total: number;
}

/** Images drawn together: enough to fill the processor, few enough for its memory. */
const LARGEST_BATCH = 50;

/**
 * Draws images. Image i of a seed is drawn from its own noise, so it is the same picture whatever the count.
 *
 * @returns uint8 [N, C, H, W]: clamped to the model's pixel range, 0..255, rounded.
 * @throws UserError where the network gives NaN or an infinity, of which pixels would be made black.
 */
export async function* drawImages(
  options: DrawOptions,
): AsyncGenerator<DrawProgress, Uint8Array<ArrayBuffer>, undefined> {
  const { manifest, session, seed, count, signal } = options;
  const { channels, height, width, range } = manifest.image;
  const size = channels * height * width;
  const rows = samplerRows(manifest, options);
  const images = new Uint8Array(count * size);
  const batches = batchesOf(manifest, count, LARGEST_BATCH);
  for (const [number, { first, count: asked, size: batch }] of batches.entries()) {
    const labels = Int32Array.from(options.labels.slice(first, first + asked));
    const x = new Float32Array(batch * size);
    fillImageNoise(x, { seed, purpose: "sampleInitial", row: 0, size, first });
    const walk = sample({
      rows,
      x,
      denoise: (x, timestep) => predict({ manifest, session, x, timestep, labels }),
      noise: (out, row) => fillImageNoise(out, { seed, purpose: "sampleStep", row, size, first }),
      signal,
    });
    let last: Float32Array = x;
    for await (const progress of walk) {
      last = progress.x;
      yield { done: number * rows.length + progress.row + 1, total: batches.length * rows.length };
    }
    if (!last.every(Number.isFinite)) {
      throw new UserError(
        "the network gives values that are no numbers; `trainer verify` says whether its weights are",
      );
    }
    toPixels(last.subarray(0, asked * size), range, images.subarray(first * size));
  }
  return images;
}

export interface Prediction {
  readonly manifest: Manifest;
  readonly session: InferenceSession;
  /** x_t [N, C, H, W] */
  readonly x: Float32Array;
  readonly timestep: number;
  /** [N]; ignored by a model without classes. */
  readonly labels: Int32Array;
}

/** The network's output for x_t: as many values as x has. */
export async function predict({ manifest, session, x, timestep, labels }: Prediction): Promise<Float32Array> {
  const inputs = Object.entries(networkInputs(manifest, { x, timestep, labels }));
  const feeds = Object.fromEntries(
    inputs.map(([name, { dtype, data, dims }]) => [name, new Tensor(dtype, data, dims)]),
  );
  const outputs = await session.run(feeds);
  return outputs[argumentName(manifest, "out_sample")]!.data as Float32Array;
}

/** eps of x_t, whatever the network predicts. */
export async function predictNoise(question: Prediction): Promise<Float32Array> {
  const { manifest, x, timestep } = question;
  const output = await predict(question);
  if (manifest.prediction === "eps") return output;
  const eps = epsFrom(manifest.prediction, scheduleOf(manifest.schedule).float64.alphaBar[timestep]!);
  return output.map((value, i) => eps.x * x[i]! + eps.output * value);
}
