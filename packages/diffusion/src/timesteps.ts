import { UserError } from "./errors.js";

/**
 * The timesteps of a shortened chain, from T downwards: round(T * i / steps) for i = steps..1. Evenly spaced, T always
 * among them ("trailing" in Lin et al., "Common diffusion noise schedules and sample steps are flawed" (2023),
 * table 2); steps = T gives T..1.
 *
 * @throws UserError if steps is no integer in 1..T.
 */
export function evenTimesteps(T: number, steps: number): number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > T) {
    throw new UserError(`sampling steps: found ${steps}, expected an integer in 1..${T}, the model's T`);
  }
  return Array.from({ length: steps }, (_, i) => Math.round((T * (steps - i)) / steps));
}
