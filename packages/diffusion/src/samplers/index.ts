import { UserError } from "../errors.js";
import type { Sampler } from "../table.js";
import { ddim } from "./ddim.js";
import { ddpm } from "./ddpm.js";
import { dpmpp2m } from "./dpmpp-2m.js";
import { euler } from "./euler.js";
import { heun } from "./heun.js";

export { ddim, ddimSampler } from "./ddim.js";
export { ddpm } from "./ddpm.js";
export { dpmpp2m } from "./dpmpp-2m.js";
export { euler } from "./euler.js";
export { heun } from "./heun.js";

/** Every sampler that can be asked for by name. */
export const SAMPLERS = { ddpm, ddim, euler, heun, "dpm++2m": dpmpp2m } as const satisfies Readonly<
  Record<string, Sampler>
>;

/** A name that `samplerNamed` knows. */
export type SamplerName = keyof typeof SAMPLERS;

/** The sampler of that name. @throws UserError if there is none. */
export function samplerNamed(name: string): Sampler {
  if (Object.hasOwn(SAMPLERS, name)) return SAMPLERS[name as SamplerName];
  throw new UserError(`sampler: found "${name}", expected one of ${Object.keys(SAMPLERS).join(", ")}`, {
    usage: true,
  });
}
