/** How well a model predicts the noise at each noise level. */

import { fillNormals, type Manifest, scheduleOf } from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-node";
import type { Dataset } from "../data/index.js";
import { predictNoise } from "../sampling.js";

export interface LossAtTimestep {
  readonly timestep: number;
  /** Mean squared error of the predicted noise over images and pixels. */
  readonly loss: number;
}

export interface LossOptions {
  readonly manifest: Manifest;
  readonly session: InferenceSession;
  /** Images that the model was not trained on. */
  readonly dataset: Dataset;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Noise levels looked at, evenly spread over 1..T, and images at each. */
const LEVELS = 20;
const IMAGES = 100;

/** The loss at evenly spaced timesteps up to T, of the same images with the same noise at each. */
export async function* lossByTimestep({
  manifest,
  session,
  dataset,
  seed,
  signal,
}: LossOptions): AsyncGenerator<LossAtTimestep, void, undefined> {
  const schedule = scheduleOf(manifest.schedule);
  const [low, high] = manifest.image.range;
  const count = Math.min(IMAGES, dataset.count);
  const indices = Array.from({ length: count }, (_, i) => i);
  const pixels = new Uint8Array(count * dataset.channels * dataset.height * dataset.width);
  const labels = new Int32Array(count);
  dataset.images(indices, pixels);
  dataset.labels(indices, labels);
  const eps = new Float32Array(pixels.length);
  fillNormals(eps, { seed, purpose: "noise", index: 0 });
  const levels = Math.min(LEVELS, schedule.T);
  for (let k = 1; k <= levels; k++) {
    signal?.throwIfAborted();
    const timestep = Math.round((schedule.T * k) / levels);
    const image = schedule.sqrtAlphaBar[timestep]!;
    const noise = schedule.sqrtOneMinusAlphaBar[timestep]!;
    const x = eps.map((z, i) => image * (low + ((high - low) * pixels[i]!) / 255) + noise * z);
    const output = await predictNoise({ manifest, session, x, timestep, labels });
    let sum = 0;
    for (let i = 0; i < eps.length; i++) sum += (eps[i]! - output[i]!) ** 2;
    yield { timestep, loss: sum / eps.length };
  }
}
