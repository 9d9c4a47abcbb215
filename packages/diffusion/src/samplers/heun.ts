import type { Sampler } from "../table.js";
import { noiseLevels } from "../timesteps.js";
import { EPS } from "./estimates.js";
import { eulerRow, sigmaStep } from "./euler.js";

/**
 * Heun's method: Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), algorithm 1.
 * A step is two rows, Euler's and its correction by half the difference between eps there and eps here; the last step,
 * to sigma = 0, is Euler's alone: 2 steps - 1 evaluations of the network.
 */
export const heun: Sampler = (schedule, steps, { spacing, skip } = {}) => {
  const levels = noiseLevels(schedule, steps, spacing, skip);
  return levels.flatMap(({ timestep, alphaBar }, i) => {
    const next = levels[i + 1];
    const predict = eulerRow(timestep, alphaBar, next?.alphaBar ?? 1);
    if (!next) return [predict];
    const half = sigmaStep(alphaBar, next.alphaBar) / 2;
    const correct = {
      timestep: next.timestep,
      alphaBar: next.alphaBar,
      estimate: EPS,
      x: 1,
      estimates: [half, -half],
      noise: 0,
    };
    return [predict, correct];
  });
};
