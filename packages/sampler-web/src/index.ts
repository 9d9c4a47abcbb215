/**
 * Samples ONNX diffusion models in web pages, on the visitor's GPU where the browser gives access to it.
 * @packageDocumentation
 */
export type { Device, DeviceChoice } from "./device.js";
export { SamplerError, type SamplerErrorCode, type SamplerErrorData } from "./errors.js";
export { Images } from "./images.js";
export type { LoadProgress } from "./model.js";
export type { SampleOptions } from "./request.js";
export { type LoadOptions, Sampler } from "./sampler.js";
export { type DrawWork, type SampleStep, Sampling } from "./sampling.js";
