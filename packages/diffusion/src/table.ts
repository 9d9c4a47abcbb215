/**
 * Sampling is a table. Each sampler here is linear in what it keeps: x, the outputs of the network at this and earlier
 * rows, and fresh noise. So a sampler is a pure function from a schedule to the rows of a table, and one table drives
 * every executor. What is not linear (clipping, guidance) belongs to the denoiser.
 */

import type { Schedule } from "./schedule.js";

/** One update: x <- x * row.x + outputs[0] * output + outputs[1] * (output of the row before) + ... + noise * z. */
export interface SamplerRow {
  /** The timestep at which the network is asked, 1..T. */
  readonly timestep: number;
  readonly x: number;
  /** Coefficients of the network's outputs: this row's first, then those of earlier rows. */
  readonly outputs: readonly number[];
  /** Coefficient of fresh standard normals; 0 where the row takes none. */
  readonly noise: number;
}

/**
 * The rows that lead from x_T ~ N(0, 1) to an image.
 *
 * @param steps how many rows to spend, 1..T.
 * @throws UserError if the steps are out of range.
 */
export type Sampler = (schedule: Schedule, steps: number) => SamplerRow[];

/** What the executor needs of an `AbortSignal`. */
export interface Abortable {
  throwIfAborted(): void;
}

/** x, as the row left it. */
export interface SampleProgress {
  /** 0-based number of the row that has been done. */
  readonly row: number;
  readonly rows: number;
  /** Belongs to the receiver: the executor never writes to it again. */
  readonly x: Float32Array;
}

export interface SampleOptions {
  readonly rows: readonly SamplerRow[];
  /**
   * Predicts eps from (x_t, t), as many values as x has. If a row looks back at earlier outputs, each call must return
   * an array of its own.
   */
  readonly denoise: (x: Float32Array, timestep: number) => Promise<Float32Array> | Float32Array;
  /** x_T; left as it is. */
  readonly x: Float32Array;
  /** Fills `out` with the standard normals of a row; asked only where the row takes noise. */
  readonly noise: (out: Float32Array, row: number) => void;
  readonly signal?: Abortable | undefined;
}

/**
 * Walks a table. Sums are taken in float64 and rounded to float32 once a row.
 *
 * @throws the signal's reason when it is aborted, before or after the denoiser's turn.
 */
export async function* sample(options: SampleOptions): AsyncGenerator<SampleProgress, void, undefined> {
  const { rows, denoise, noise, signal } = options;
  const memory = rows.reduce((most, row) => Math.max(most, row.outputs.length), 0);
  const outputs: Float32Array[] = [];
  const z = new Float32Array(options.x.length);
  let x = options.x;
  for (const [index, row] of rows.entries()) {
    signal?.throwIfAborted();
    const output = await denoise(x, row.timestep);
    signal?.throwIfAborted();
    if (output.length !== x.length) {
      throw new Error(`denoiser: returned ${output.length} values for an x of ${x.length}`);
    }
    outputs.unshift(output);
    outputs.length = Math.min(outputs.length, memory);
    if (row.noise !== 0) noise(z, index);
    x = applyRow(row, x, outputs, z);
    yield { row: index, rows: rows.length, x };
  }
}

/** One row's update of x. @throws Error if the row looks back further than there are outputs. */
function applyRow(
  row: SamplerRow,
  x: Float32Array,
  outputs: readonly Float32Array[],
  z: Float32Array,
): Float32Array {
  if (row.outputs.length > outputs.length) {
    throw new Error(`sampler: a row takes ${row.outputs.length} outputs where there are ${outputs.length}`);
  }
  const sum = Float64Array.from(x, (value) => value * row.x);
  for (const [back, coefficient] of row.outputs.entries()) {
    const output = outputs[back]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += coefficient * output[i]!;
  }
  if (row.noise !== 0) for (let i = 0; i < sum.length; i++) sum[i]! += row.noise * z[i]!;
  return Float32Array.from(sum);
}
