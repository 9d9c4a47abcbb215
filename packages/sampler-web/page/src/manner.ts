/** The models that the page knows, and how each is drawn with. */
import type { SamplerName } from "@onnx-diffusion/diffusion";

/** Networks that the page has a place for. */
export type ModelName = "unet-cond" | "unet-time";

export interface Manner {
  readonly sampler: SamplerName;
  /** Steps for each one of DDIM's. */
  readonly stretch: number;
}

/**
 * unet-time follows DDIM, which needs few steps and leads from each noise to one picture. unet-cond is not told the time and
 * reads it from the noise in x. DDIM's x has not quite the noise that a step expects, and without fresh noise that is never put
 * right; with DDPM it is, whose few steps leave a grain on black.
 */
export const MANNERS: Readonly<Record<ModelName, Manner>> = {
  "unet-cond": { sampler: "ddpm", stretch: 2 },
  "unet-time": { sampler: "ddim", stretch: 1 },
};
