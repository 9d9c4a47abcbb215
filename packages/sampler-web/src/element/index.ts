/**
 * Defines `<diffusion-sampler>`.
 * @packageDocumentation
 */
import { DiffusionSampler } from "./element.js";

// Two copies of the library on a page, or a server without a document, are no reason to fail.
if (globalThis.customElements && !customElements.get("diffusion-sampler")) {
  customElements.define("diffusion-sampler", DiffusionSampler);
}

export { DiffusionSampler } from "./element.js";
export type { DiffusionSamplerEventMap, DrawnDetail } from "./events.js";
