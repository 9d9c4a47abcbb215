/** How far a form is from the model that it was made of. */

import { fillImageNoise, type Manifest, sample, samplerRows, toPixels } from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-node";
import { type DrawProgress, predict } from "../sampling.js";
import type { UsualSampler } from "../usual-sampler.js";

type Denoise = (x: Float32Array, timestep: number) => Promise<Float32Array>;

/** Differences from float32 over the steps of a sampler. */
export interface FormError {
  readonly images: number;
  /** How they were drawn. */
  readonly by: UsualSampler;
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

const SEED = 0;

/** Draws with both from the same noise: what differs is the form. */
export async function* formError(
  manifest: Manifest,
  by: UsualSampler,
  { original, form }: { readonly original: InferenceSession; readonly form: InferenceSession },
): AsyncGenerator<DrawProgress, FormError, undefined> {
  const { channels, height, width, range } = manifest.image;
  const size = channels * height * width;
  const count = manifest.classes > 0 ? Math.min(manifest.classes, 10) : 10;
  const labels = Int32Array.from({ length: manifest.classes > 0 ? count : 0 }, (_, i) => i);
  const rows = samplerRows(manifest, by);
  const start = new Float32Array(count * size);
  fillImageNoise(start, { seed: SEED, purpose: "sampleInitial", row: 0, size, first: 0 });
  const ask = (session: InferenceSession, x: Float32Array, timestep: number) =>
    predict({ manifest, session, x, timestep, labels });

  const walk = async function* (denoise: Denoise, first: number): AsyncGenerator<DrawProgress, Float32Array> {
    const noise = (out: Float32Array, row: number) =>
      fillImageNoise(out, { seed: SEED, purpose: "sampleStep", row, size, first: 0 });
    let last: Float32Array = start;
    for await (const { x, row } of sample({ rows, x: start, denoise, noise })) {
      last = x;
      yield { done: first + row + 1, total: 2 * rows.length };
    }
    return last;
  };

  let [eps, epsMax] = [0, 0];
  const wanted = yield* walk(async (x, timestep) => {
    const expected = await ask(original, x, timestep);
    const step = difference(expected, await ask(form, x, timestep));
    eps = Math.max(eps, step.relative);
    epsMax = Math.max(epsMax, step.largest);
    return expected;
  }, 0);
  const found = yield* walk((x, timestep) => ask(form, x, timestep), rows.length);
  const drawn = pixelsOf(found, range);
  const { mean, largest } = difference(pixelsOf(wanted, range), drawn);
  return { images: count, by, eps, epsMax, pixels: mean, pixelsMax: largest, drawn };
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
