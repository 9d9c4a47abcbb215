/** Which noise levels a sampler visits when it takes fewer steps than the model has. */

import { UserError } from "./errors.js";
import type { Schedule } from "./schedule.js";

/** A noise level that a sampler visits: x = sqrt(alphaBar) x0 + sqrt(1 - alphaBar) eps. */
export interface NoiseLevel {
  /** What the network is told, 1..T. */
  readonly timestep: number;
  readonly alphaBar: number;
}

/**
 * How the levels are spread, by the names that diffusers gives them. Lin et al., "Common diffusion noise schedules and
 * sample steps are flawed" (2023), table 2, compares the first three:
 *
 * - `trailing`: T, T - T/n, T - 2T/n, ...: always from T. The default.
 * - `leading`: ..., 1 + 2 floor(T/n), 1 + floor(T/n), 1: ends at 1, but begins below T.
 * - `linspace`: n timesteps from T to 1.
 * - `karras`: sigma = sqrt((1 - alphaBar) / alphaBar) with equal steps in sigma^(1/7) between those of T and 1 (Karras et
 *   al., "Elucidating the design space of diffusion-based generative models" (2022), equation 5). The network is told the
 *   timestep whose log sigma is nearest.
 */
export type Spacing = keyof typeof SPACINGS;

/** How a chain is shortened: the levels, from the noisiest down. */
export type Spread = (schedule: Schedule, steps: number) => NoiseLevel[];

/** A spread that is a list of timesteps, given by i = 0..n-1. */
const byTimestep =
  (timestep: (T: number, n: number, i: number) => number): Spread =>
  ({ T, float64 }, n) =>
    Array.from({ length: n }, (_, i) => {
      const t = roundHalfEven(timestep(T, n, i));
      return { timestep: t, alphaBar: float64.alphaBar[t]! };
    });

/** Every spacing that can be asked for by name, see {@link Spacing}. */
export const SPACINGS = {
  trailing: byTimestep((T, n, i) => (T * (n - i)) / n),
  leading: byTimestep((T, n, i) => 1 + (n - 1 - i) * Math.floor(T / n)),
  linspace: byTimestep((T, n, i) => (n === 1 ? T : T - ((T - 1) * i) / (n - 1))),
  /** Equal steps in sigma^(1/7), see {@link Spacing}. */
  karras,
} as const satisfies Readonly<Record<string, Spread>>;

/**
 * The levels of a shortened chain, from the noisiest down.
 *
 * @param skip how many of the noisiest to leave out.
 * @throws UserError if steps is no integer in 1..T, skip none in 0..steps-1, or the spacing none of {@link Spacing}.
 */
export function noiseLevels(
  schedule: Schedule,
  steps: number,
  spacing: Spacing = "trailing",
  skip = 0,
): readonly NoiseLevel[] {
  const { T } = schedule;
  if (!Number.isInteger(steps) || steps < 1 || steps > T) {
    throw new UserError(`sampling steps: found ${steps}, expected an integer in 1..${T}, the model's T`);
  }
  if (!Object.hasOwn(SPACINGS, spacing)) {
    throw new UserError(`spacing: found "${spacing}", expected one of ${Object.keys(SPACINGS).join(", ")}`, {
      usage: true,
    });
  }
  if (!Number.isInteger(skip) || skip < 0 || skip >= steps) {
    throw new UserError(`steps to skip: found ${skip}, expected an integer in 0..${steps - 1}`);
  }
  return SPACINGS[spacing](schedule, steps).slice(skip);
}

function karras({ T, float64: { alphaBar } }: Schedule, n: number): NoiseLevel[] {
  const RHO = 7;
  const sigmaOf = (t: number) => Math.sqrt((1 - alphaBar[t]!) / alphaBar[t]!);
  const [high, low] = [sigmaOf(T) ** (1 / RHO), sigmaOf(1) ** (1 / RHO)];
  return Array.from({ length: n }, (_, i) => {
    const sigma = n === 1 ? sigmaOf(T) : (high + (i / (n - 1)) * (low - high)) ** RHO;
    let timestep = T;
    const off = (t: number) => Math.abs(Math.log(sigmaOf(t) / sigma));
    while (timestep > 1 && off(timestep - 1) <= off(timestep)) timestep--;
    return { timestep, alphaBar: 1 / (1 + sigma * sigma) };
  });
}

/** As NumPy rounds, so that the timesteps are those of diffusers. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const half = value - below === 0.5;
  return half ? below + (below % 2) : Math.round(value);
}
