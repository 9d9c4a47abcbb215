import type { Sampler, SamplerRow } from "../table.js";
import { noiseLevels } from "../timesteps.js";
import { EPS } from "./estimates.js";

/**
 * Euler's method on dx/dsigma = eps in the coordinates x / sqrt(alphaBar), with sigma = sqrt((1 - alphaBar) / alphaBar):
 * Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), algorithm 1 without its
 * second half. On the same noise levels it is DDIM with eta = 0.
 */
export const euler: Sampler = (schedule, steps, { spacing, skip } = {}) => {
  const levels = noiseLevels(schedule, steps, spacing, skip);
  return levels.map(({ timestep, alphaBar }, i) =>
    eulerRow(timestep, alphaBar, levels[i + 1]?.alphaBar ?? 1),
  );
};

/** The row from one noise level to another: x_to = sqrt(to / from) x + sqrt(to) (sigma_to - sigma_from) eps. */
export function eulerRow(timestep: number, from: number, to: number): SamplerRow {
  return {
    timestep,
    alphaBar: from,
    estimate: EPS,
    x: Math.sqrt(to / from),
    estimates: [sigmaStep(from, to)],
    noise: 0,
  };
}

/** sqrt(to) (sigma_to - sigma_from) */
export const sigmaStep = (from: number, to: number): number =>
  Math.sqrt(1 - to) - Math.sqrt(to / from) * Math.sqrt(1 - from);
