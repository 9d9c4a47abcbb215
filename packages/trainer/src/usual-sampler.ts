/** How a network's images are drawn where nobody has said how. */

import type { Manifest, SamplerName } from "@onnx-diffusion/diffusion";

/** A sampler and its number of steps, 1..T. */
export interface UsualSampler {
  readonly sampler: SamplerName;
  readonly steps: number;
}

/** Enough for digits that a judge can read. */
const DDIM_STEPS = 20;

/**
 * DDIM in few steps for a network that is told the time. One that is not reads it from the noise in x, which has to be as
 * much as the step expects: it is with DDPM in all of its T steps, where fresh noise puts right what is missing.
 *
 * @param manifest of the network itself: guidance, which takes the time for its own use, is put in afterwards.
 */
export function usualSampler({
  timestep,
  schedule: { T },
}: Pick<Manifest, "timestep" | "schedule">): UsualSampler {
  return timestep ? { sampler: "ddim", steps: Math.min(DDIM_STEPS, T) } : { sampler: "ddpm", steps: T };
}

/** `DDIM in 20 steps` */
export function describeSampler({ sampler, steps }: UsualSampler): string {
  return `${sampler.toUpperCase()} in ${steps} steps`;
}
