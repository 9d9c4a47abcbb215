/** Which steps run together. Results do not depend on it: the state is carried exactly from run to run. */

import type { Device } from "./device-names.js";

/**
 * Images of one run of the training loop. A run hands the state in and out in PyTorch's layouts, which costs as much
 * time as half a step of 16; it can be stopped only where it ends, after about four seconds of unet-cond on two cores.
 */
const CHUNK_IMAGES = 384;

/** Steps of one run on CUDA: the whole state crosses the bus at both ends of each, and there steps are short. */
const CUDA_STEPS = 16;
/** Most bytes of the images and the noise of one run on CUDA, where three such lie in memory: 16 steps of 512 images 3x32x32. */
const CUDA_BYTES = 2 ** 27;
/** A uint8 of an image and a float32 of its noise. */
const BYTES = 5;

/** Steps of one run of the training loop, for images of so many values. */
export function chunkSteps(device: Device, batch: number, values: number): number {
  const steps = Math.max(1, Math.round(CHUNK_IMAGES / batch));
  if (device !== "cuda") return steps;
  return Math.max(steps, Math.min(CUDA_STEPS, Math.floor(CUDA_BYTES / (batch * values * BYTES))));
}

export interface ChunkRange {
  /** The first step, counted from 1. */
  readonly first: number;
  readonly steps: number;
}

export interface PlanOptions {
  /** Steps already taken. */
  readonly from: number;
  readonly to: number;
  /** A chunk ends at every multiple of each of these; 0 means never. */
  readonly stops: readonly number[];
  /** Most steps in a chunk. */
  readonly most: number;
  /** Steps of the first chunk, each further one twice as long, so that the first losses come at once. Default: most. */
  readonly begin?: number;
}

/** The chunks of a run, in order. */
export function* planChunks(options: PlanOptions): Generator<ChunkRange, void, undefined> {
  const { from, to, stops, most, begin = most } = options;
  let longest = begin;
  for (let done = from; done < to; longest = Math.min(most, 2 * longest)) {
    const ends = stops.filter((every) => every > 0).map((every) => every - (done % every));
    const steps = Math.min(longest, to - done, ...ends);
    yield { first: done + 1, steps };
    done += steps;
  }
}
