/**
 * Sampling is a table. Each sampler here is linear in what it keeps: x, the estimates (of eps or of x0) made at this and
 * earlier rows, and fresh noise. So a sampler is a pure function from a schedule to the rows of a table, and one table
 * drives every executor. What is not linear (clipping, guidance) belongs to the denoiser.
 */

import type { Schedule } from "./schedule.js";
import type { Spacing } from "./timesteps.js";

/**
 * One update, with the network asked at (x, timestep):
 *
 *     estimate <- estimate[0] * x + estimate[1] * output
 *     x        <- x * row.x + estimates[0] * estimate + estimates[1] * (estimate of the row before) + ... + noise * z
 */
export interface SamplerRow {
  /** The timestep at which the network is asked, 1..T. */
  readonly timestep: number;
  /** The noise level of x there; with `karras` spacing it lies between those of two timesteps. */
  readonly alphaBar: number;
  /** What is kept of x and the network's output: [0, 1] is the output itself. */
  readonly estimate: readonly [x: number, output: number];
  readonly x: number;
  /** Coefficients of the estimates: this row's first, then those of earlier rows. */
  readonly estimates: readonly number[];
  /** Coefficient of fresh standard normals; 0 where the row takes none. */
  readonly noise: number;
}

/** How a sampler spends its steps. */
export interface SamplerOptions {
  /** Which noise levels the steps visit. Default: trailing. */
  readonly spacing?: Spacing;
  /** Steps left out at the noisy end, 0..steps-1, for an x that is less noisy than x_T. Default: 0. */
  readonly skip?: number;
  /** DDIM's fresh noise, 0..1, see `ddimSampler`; the others have no use for it. Default: 0. */
  readonly eta?: number;
}

/**
 * The rows that lead from x_T ~ N(0, 1) to an image.
 *
 * @param steps the method's steps, 1..T. A step is one row, two in methods of second order in one step (Heun).
 * @throws UserError if the steps are out of range or the spacing is unknown.
 */
export type Sampler = (schedule: Schedule, steps: number, options?: SamplerOptions) => SamplerRow[];

/** What the executor needs of an `AbortSignal`. */
export interface Abortable {
  /** Throws the reason where the work has been aborted. */
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

/** What a table is walked with. */
export interface SampleOptions {
  readonly rows: readonly SamplerRow[];
  /**
   * The network's output for (x_t, t), as many values as x has. If a row looks back at earlier estimates, each call must return
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
  const memory = rows.reduce((most, row) => Math.max(most, row.estimates.length), 0);
  const estimates: Float32Array[] = [];
  const z = new Float32Array(options.x.length);
  let x = options.x;
  for (const [index, row] of rows.entries()) {
    signal?.throwIfAborted();
    const output = await denoise(x, row.timestep);
    signal?.throwIfAborted();
    if (output.length !== x.length) {
      throw new Error(`denoiser: returned ${output.length} values for an x of ${x.length}`);
    }
    estimates.unshift(estimateOf(row, x, output));
    estimates.length = Math.min(estimates.length, memory);
    if (row.noise !== 0) noise(z, index);
    x = applyRow(row, x, estimates, z);
    yield { row: index, rows: rows.length, x };
  }
}

function estimateOf({ estimate: [ofX, ofOutput] }: SamplerRow, x: Float32Array, output: Float32Array) {
  if (ofX === 0 && ofOutput === 1) return output;
  return output.map((value, i) => ofX * x[i]! + ofOutput * value);
}

/** One row's update of x. @throws Error if the row looks back further than there are estimates. */
function applyRow(
  row: SamplerRow,
  x: Float32Array,
  estimates: readonly Float32Array[],
  z: Float32Array,
): Float32Array {
  if (row.estimates.length > estimates.length) {
    throw new Error(
      `sampler: a row takes ${row.estimates.length} estimates where there are ${estimates.length}`,
    );
  }
  // plain loops: `from` and `map` with a function take several times as long
  const next = new Float32Array(x.length);
  for (let i = 0; i < next.length; i++) {
    let sum = x[i]! * row.x;
    for (let back = 0; back < row.estimates.length; back++)
      sum += row.estimates[back]! * estimates[back]![i]!;
    if (row.noise !== 0) sum += row.noise * z[i]!;
    next[i] = sum;
  }
  return next;
}
