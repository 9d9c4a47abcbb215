/** Drawing images with an exported model: the samplers' tables, walked with `inference_model.onnx`. */

import {
  fillImageNoise,
  type Manifest,
  type SamplerName,
  type Spacing,
  sample,
  samplerNamed,
  scheduleOf,
  toPixels,
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
 */
export async function* drawImages(
  options: DrawOptions,
): AsyncGenerator<DrawProgress, Uint8Array<ArrayBuffer>, undefined> {
  const { manifest, session, seed, count, signal } = options;
  const { channels, height, width, range } = manifest.image;
  const size = channels * height * width;
  const rows = samplerNamed(options.sampler)(
    scheduleOf(manifest.schedule),
    options.steps,
    options.spacing ? { spacing: options.spacing } : {},
  );
  const images = new Uint8Array(count * size);
  const batches = Math.ceil(count / LARGEST_BATCH);
  for (let number = 0; number < batches; number++) {
    const first = number * LARGEST_BATCH;
    const batch = Math.min(LARGEST_BATCH, count - first);
    const labels = Int32Array.from(options.labels.slice(first, first + batch));
    const x = new Float32Array(batch * size);
    fillImageNoise(x, { seed, purpose: "sampleInitial", row: 0, size, first });
    const walk = sample({
      rows,
      x,
      denoise: (x, timestep) => predictNoise({ manifest, session, x, timestep, labels }),
      noise: (out, row) => fillImageNoise(out, { seed, purpose: "sampleStep", row, size, first }),
      signal,
    });
    let last: Float32Array = x;
    for await (const progress of walk) {
      last = progress.x;
      yield { done: number * rows.length + progress.row + 1, total: batches * rows.length };
    }
    toPixels(last, range, images.subarray(first * size));
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

/** eps of x_t, by the network: as many values as x has. */
export async function predictNoise({
  manifest,
  session,
  x,
  timestep,
  labels,
}: Prediction): Promise<Float32Array> {
  const { channels, height, width } = manifest.image;
  const batch = x.length / (channels * height * width);
  const feeds: Record<string, Tensor> = {
    sample: new Tensor("float32", x, [batch, channels, height, width]),
  };
  if (manifest.timestep) feeds.timestep = new Tensor("int32", new Int32Array(batch).fill(timestep), [batch]);
  if (manifest.classes > 0) feeds.class_labels = new Tensor("int32", labels, [batch]);
  const { out_sample: output } = await session.run(feeds);
  return output!.data as Float32Array;
}
