import type { Sampler } from "../table.js";
import { noiseLevels } from "../timesteps.js";
import { x0Estimate } from "./estimates.js";

/**
 * DPM-Solver++(2M): Lu et al., "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models" (2022),
 * algorithm 2, with lambda = log(sqrt(alphaBar) / sqrt(1 - alphaBar)), h_i = lambda_i - lambda_{i-1}, r_i = h_{i-1} / h_i:
 *
 *     x_i = sigma_i / sigma_{i-1} x_{i-1} - sqrt(alphaBar_i) (e^{-h_i} - 1) D_i
 *     D_i = (1 + 1 / (2 r_i)) x0_{i-1} - 1 / (2 r_i) x0_{i-2}
 *
 * The first step has no x0 before it and is of first order; so is the last, to alphaBar = 1, where lambda is infinite.
 */
export const dpmpp2m: Sampler = (schedule, steps, { spacing, skip } = {}) => {
  const levels = noiseLevels(schedule, steps, spacing, skip);
  /** e^-lambda of level i. */
  const ratio = (i: number): number => {
    const { alphaBar } = levels[i]!;
    return Math.sqrt((1 - alphaBar) / alphaBar);
  };
  return levels.map(({ timestep, alphaBar: from }, i) => {
    const to = levels[i + 1]?.alphaBar ?? 1;
    // -sqrt(alphaBar_i) (e^{-h} - 1)
    const ofX0 = Math.sqrt(to) - Math.sqrt((1 - to) / (1 - from)) * Math.sqrt(from);
    const before = i > 0 && i < levels.length - 1;
    const back = before ? Math.log(ratio(i) / ratio(i + 1)) / Math.log(ratio(i - 1) / ratio(i)) / 2 : 0;
    return {
      timestep,
      alphaBar: from,
      estimate: x0Estimate(from),
      x: Math.sqrt((1 - to) / (1 - from)),
      estimates: before ? [ofX0 * (1 + back), -ofX0 * back] : [ofX0],
      noise: 0,
    };
  });
};
