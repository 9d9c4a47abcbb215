/** Training batches: any of them can be made at any time from the seed and its step alone. */

import { fillInts, fillNormals, type Manifest, permutation } from "@onnx-diffusion/diffusion";
import type { Dataset } from "./data/dataset.js";
import type { ChunkRange } from "./plan.js";

/** The batches of consecutive steps, stacked on a leading axis [steps, batch, ...]. */
export interface Chunk extends ChunkRange {
  readonly batch: number;
  /** uint8 [steps, batch, C, H, W]. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** int32 [steps, batch], each in 1..T. */
  readonly timestep: Int32Array<ArrayBuffer>;
  /** float32 [steps, batch, C, H, W], standard normal. */
  readonly noise: Float32Array<ArrayBuffer>;
  /** int32 [steps, batch]. */
  readonly labels: Int32Array<ArrayBuffer>;
}

/**
 * Makes chunks. Step s (from 1) takes the images at places (s - 1) * batch .. s * batch - 1 of the endless sequence of
 * epochs, each epoch a permutation of the data set; timesteps and noise are streams of their own with index s.
 */
export function batchMaker(
  manifest: Manifest,
  dataset: Dataset,
  options: { readonly seed: number; readonly batch: number },
): (range: ChunkRange) => Chunk {
  const { seed, batch } = options;
  const { channels, height, width } = manifest.image;
  const size = batch * channels * height * width;
  const order = epochOrder(dataset.count, seed);
  return ({ first, steps }) => {
    const images = new Uint8Array(steps * size);
    const timestep = new Int32Array(steps * batch);
    const noise = new Float32Array(steps * size);
    const labels = new Int32Array(steps * batch);
    for (let i = 0; i < steps; i++) {
      const step = first + i;
      const indices = Uint32Array.from({ length: batch }, (_, j) => order((step - 1) * batch + j));
      dataset.images(indices, images.subarray(i * size, (i + 1) * size));
      dataset.labels(indices, labels.subarray(i * batch, (i + 1) * batch));
      const levels = timestep.subarray(i * batch, (i + 1) * batch);
      fillInts(levels, 1, manifest.schedule.T, { seed, purpose: "timestep", index: step });
      fillNormals(noise.subarray(i * size, (i + 1) * size), { seed, purpose: "noise", index: step });
    }
    return { first, steps, batch, images, timestep, noise, labels };
  };
}

/** The image at a place of the endless sequence. Two epochs are kept, since a batch may cross from one to the next. */
function epochOrder(count: number, seed: number): (place: number) => number {
  const epochs = new Map<number, Uint32Array>();
  return (place) => {
    const epoch = Math.floor(place / count);
    let order = epochs.get(epoch);
    if (order === undefined) {
      epochs.delete(epoch - 2);
      order = permutation(count, { seed, purpose: "permute", index: epoch });
      epochs.set(epoch, order);
    }
    return order[place % count]!;
  };
}
