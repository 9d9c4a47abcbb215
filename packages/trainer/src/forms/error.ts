/** How far a form is from the model that it was made of. */

import {
  fillImageNoise,
  type Manifest,
  type SamplerRow,
  sample,
  samplerRows,
  toPixels,
} from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-node";
import { predict } from "../sampling.js";

/** Differences from float32 over the steps of a sampler. */
export interface FormError {
  readonly images: number;
  readonly steps: number;
  /** Root of the mean square of eps' difference, over that of eps: of the worst step. */
  readonly eps: number;
  /** Largest difference of a value of eps. */
  readonly epsMax: number;
  /** Mean and largest difference of a pixel, of 0..255, in images drawn from the same noise. */
  readonly pixels: number;
  readonly pixelsMax: number;
  /** What the form drew: uint8 [images,C,H,W]. */
  readonly drawn: Uint8Array;
}

const STEPS = 20;
const SEED = 0;

/** Draws with both from the same noise, by DDIM, which adds none: what differs is the form. */
export async function formError(
  manifest: Manifest,
  float32: InferenceSession,
  form: InferenceSession,
): Promise<FormError> {
  const { channels, height, width, range } = manifest.image;
  const size = channels * height * width;
  const count = manifest.classes > 0 ? Math.min(manifest.classes, 10) : 10;
  const labels = Int32Array.from({ length: manifest.classes > 0 ? count : 0 }, (_, i) => i);
  const rows = samplerRows(manifest, { sampler: "ddim", steps: Math.min(STEPS, manifest.schedule.T) });
  const start = new Float32Array(count * size);
  fillImageNoise(start, { seed: SEED, purpose: "sampleInitial", row: 0, size, first: 0 });
  const ask = (session: InferenceSession, x: Float32Array, timestep: number) =>
    predict({ manifest, session, x, timestep, labels });

  let [eps, epsMax] = [0, 0];
  const wanted = await walk(rows, start, async (x, timestep) => {
    const expected = await ask(float32, x, timestep);
    const step = difference(expected, await ask(form, x, timestep));
    eps = Math.max(eps, step.relative);
    epsMax = Math.max(epsMax, step.largest);
    return expected;
  });
  const found = await walk(rows, start, (x, timestep) => ask(form, x, timestep));
  const drawn = pixelsOf(found, range);
  const { mean, largest } = difference(pixelsOf(wanted, range), drawn);
  return { images: count, steps: rows.length, eps, epsMax, pixels: mean, pixelsMax: largest, drawn };
}

async function walk(
  rows: readonly SamplerRow[],
  x: Float32Array,
  denoise: (x: Float32Array, timestep: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  let last = x;
  for await (const row of sample({ rows, x, denoise, noise: () => {} })) last = row.x;
  return last;
}

function pixelsOf(x: Float32Array, range: Manifest["image"]["range"]): Uint8Array {
  const pixels = new Uint8Array(x.length);
  toPixels(x, range, pixels);
  return pixels;
}

function difference(expected: Float32Array | Uint8Array, found: Float32Array | Uint8Array) {
  let [squares, norm, sum, largest] = [0, 0, 0, 0];
  for (const [i, value] of expected.entries()) {
    const apart = Math.abs(value - found[i]!);
    squares += apart * apart;
    norm += value * value;
    sum += apart;
    // NaN is larger than all
    if (!(apart <= largest)) largest = apart;
  }
  return { relative: Math.sqrt(squares / norm), mean: sum / expected.length, largest };
}
