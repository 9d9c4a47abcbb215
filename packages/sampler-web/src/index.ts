/**
 * Samples ONNX diffusion models in web pages: the types that a page and its worker share.
 * @packageDocumentation
 */
import type { SamplerName } from "@onnx-diffusion/diffusion";

/** Where the network runs; `auto` takes WebGPU where the browser has it. */
export type Device = "auto" | "webgpu" | "wasm";

/** What to draw. */
export interface SampleRequest {
  /** Number of images, at least 1. */
  readonly count: number;
  /** A class for each image, 0..classes-1; for models with classes. */
  readonly labels?: readonly number[];
  /** Non-negative whole number; the same seed draws the same images. */
  readonly seed: number;
  readonly sampler: SamplerName;
  /** Timesteps to evaluate, 1..T. */
  readonly steps: number;
}

/** The state after one row of the sampler's table. */
export interface SampleStep {
  /** Rows done, and rows in all. */
  readonly row: number;
  readonly rows: number;
  /** [count, C, H, W], in the model's range. */
  readonly x: Float32Array;
}
