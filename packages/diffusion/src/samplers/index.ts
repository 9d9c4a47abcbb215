import { UserError } from "../errors.js";
import type { Sampler } from "../table.js";
import { ddim } from "./ddim.js";
import { ddpm } from "./ddpm.js";

export { ddim, ddimSampler } from "./ddim.js";
export { ddpm } from "./ddpm.js";

/** Every sampler that can be asked for by name. */
export const SAMPLERS = { ddpm, ddim } as const satisfies Readonly<Record<string, Sampler>>;

export type SamplerName = keyof typeof SAMPLERS;

/** The sampler of that name. @throws UserError if there is none. */
export function samplerNamed(name: string): Sampler {
  if (Object.hasOwn(SAMPLERS, name)) return SAMPLERS[name as SamplerName];
  throw new UserError(`sampler: found "${name}", expected one of ${Object.keys(SAMPLERS).join(", ")}`, {
    usage: true,
  });
}
