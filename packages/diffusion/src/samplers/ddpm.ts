import type { Sampler } from "../table.js";
import { noiseLevels } from "../timesteps.js";
import { EPS } from "./estimates.js";

/**
 * Ancestral sampling: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020), algorithm 2, with
 * sigma_t^2 = beta_t:
 *
 *     x_{t-1} = 1/sqrt(alpha_t) * (x_t - (1 - alpha_t)/sqrt(1 - alphaBar_t) * eps) + sigma_t * z,   z = 0 at the end
 *
 * With fewer steps than T it is the chain over those timesteps alone (Nichol and Dhariwal, "Improved denoising
 * diffusion probabilistic models" (2021), equation 19): alpha is the ratio of alphaBar at neighbouring timesteps,
 * beta = 1 - alpha. The last row leads to t = 0, whose alphaBar is alpha_0, not 1: a trace of noise of variance beta_0
 * is the model's own notion of an image.
 */
export const ddpm: Sampler = (schedule, steps, { spacing, skip } = {}) => {
  const { alpha, alphaBar } = schedule.float64;
  const levels = noiseLevels(schedule, steps, spacing, skip);
  return levels.map(({ timestep, alphaBar: now }, i) => {
    const previous = levels[i + 1]?.alphaBar ?? alphaBar[0]!;
    const neighbours = now === alphaBar[timestep] && previous === alphaBar[timestep - 1];
    const a = neighbours ? alpha[timestep]! : now / previous;
    const scale = 1 / Math.sqrt(a);
    return {
      timestep,
      alphaBar: now,
      estimate: EPS,
      x: scale,
      estimates: [(-scale * (1 - a)) / Math.sqrt(1 - now)],
      noise: i === levels.length - 1 ? 0 : Math.sqrt(1 - a),
    };
  });
};
