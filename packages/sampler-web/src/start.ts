/** What the images to draw begin as. */
import { fillImageNoise, noiseLevels, type Schedule } from "@onnx-diffusion/diffusion";
import type { DrawRequest } from "./protocol.js";

/**
 * Fills a batch [N,C,H,W] with the noise of its images or, for image to image, with
 * sqrt(alphaBar) x0 + sqrt(1 - alphaBar) eps at the level of the first step that is not left out.
 *
 * @param options.size C * H * W.
 * @param options.first number of the batch's first image.
 */
export function fillStart(
  out: Float32Array,
  options: {
    readonly request: Pick<DrawRequest, "seed" | "steps" | "spacing" | "skip" | "from" | "initial">;
    readonly schedule: Schedule;
    readonly size: number;
    readonly first: number;
  },
): void {
  const { request, schedule, size, first } = options;
  const { seed, steps, spacing, skip, from, initial } = request;
  /** Where image i of the batch begins in images that are taken in turn. */
  const turn = (images: Float32Array, i: number) => ((first + i) * size) % images.length;
  const count = out.length / size;
  if (initial === undefined) fillImageNoise(out, { seed, purpose: "sampleInitial", row: 0, size, first });
  else {
    for (let i = 0; i < count; i++) {
      out.set(initial.subarray(turn(initial, i), turn(initial, i) + size), i * size);
    }
  }
  if (from === undefined) return;
  const { alphaBar } = noiseLevels(schedule, steps, spacing, skip)[0]!;
  const [ofImage, ofNoise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  for (let i = 0; i < count; i++) {
    const start = turn(from, i);
    for (let j = 0; j < size; j++) {
      out[i * size + j] = ofImage * from[start + j]! + ofNoise * out[i * size + j]!;
    }
  }
}
