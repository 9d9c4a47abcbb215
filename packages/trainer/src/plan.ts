/** Which steps run together. Results do not depend on it: the state is carried exactly from run to run. */

/**
 * Images of one run of the training loop. A run hands the state in and out in PyTorch's layouts, which costs as much
 * time as half a step of 16; it can be stopped only where it ends, after about four seconds of unet-cond on two cores.
 */
const CHUNK_IMAGES = 384;

/** Steps of one run of the training loop. */
export const chunkSteps = (batch: number): number => Math.max(1, Math.round(CHUNK_IMAGES / batch));

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
