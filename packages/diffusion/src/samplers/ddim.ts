import { UserError } from "../errors.js";
import type { Sampler } from "../table.js";
import { noiseLevels } from "../timesteps.js";
import { EPS } from "./estimates.js";

/**
 * DDIM: Song, Meng, Ermon, "Denoising diffusion implicit models" (2021), equation 12 with sigma of equation 16:
 *
 *     x_prev = sqrt(alphaBar_prev) * x0 + sqrt(1 - alphaBar_prev - sigma^2) * eps + sigma * z
 *     x0     = (x - sqrt(1 - alphaBar) * eps) / sqrt(alphaBar)
 *     sigma  = eta * sqrt((1 - alphaBar_prev) / (1 - alphaBar)) * sqrt(1 - alphaBar / alphaBar_prev)
 *
 * The last row's alphaBar_prev is 1, as in the paper, so it returns its x0.
 *
 * @param options.eta 0 (the default) takes no noise after x_T; 1 takes as much as the posterior of DDPM; 0..1.
 * @throws UserError if eta is out of range.
 */
export function ddimSampler(options: { readonly eta?: number } = {}): Sampler {
  const usual = checkedEta(options.eta ?? 0);
  return (schedule, steps, { spacing, skip, eta: asked = usual } = {}) => {
    const eta = checkedEta(asked);
    const levels = noiseLevels(schedule, steps, spacing, skip);
    return levels.map(({ timestep, alphaBar: now }, i) => {
      const previous = levels[i + 1]?.alphaBar ?? 1;
      const variance = (eta * eta * (1 - previous) * (1 - now / previous)) / (1 - now);
      const scale = Math.sqrt(previous / now);
      // never below 0 but for rounding
      const direction = Math.sqrt(Math.max(0, 1 - previous - variance));
      return {
        timestep,
        alphaBar: now,
        estimate: EPS,
        x: scale,
        estimates: [direction - scale * Math.sqrt(1 - now)],
        noise: Math.sqrt(variance),
      };
    });
  };
}

function checkedEta(eta: number): number {
  if (eta >= 0 && eta <= 1) return eta;
  throw new UserError(`DDIM's eta: found ${eta}, expected a number in 0..1`);
}

/** {@link ddimSampler} with eta = 0 where no other is asked for: the same x_T always leads to the same image. */
export const ddim: Sampler = ddimSampler();
