/** Which steps run together. Results do not depend on it: the state is carried exactly from run to run. */

/** Steps of one run of the training loop: about a second of unet-cond on two cores, so that a stop is prompt. */
const CHUNK_STEPS = 8;

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
  readonly most?: number;
}

/** The chunks of a run, in order. */
export function* planChunks(options: PlanOptions): Generator<ChunkRange, void, undefined> {
  const { from, to, stops, most = CHUNK_STEPS } = options;
  for (let done = from; done < to; ) {
    const ends = stops.filter((every) => every > 0).map((every) => every - (done % every));
    const steps = Math.min(most, to - done, ...ends);
    yield { first: done + 1, steps };
    done += steps;
  }
}
