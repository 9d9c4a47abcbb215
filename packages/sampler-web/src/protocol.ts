/** What a page and its worker say to each other. */
import type { Manifest, SamplerName, Spacing } from "@onnx-diffusion/diffusion";
import type { Device, DeviceChoice } from "./device.js";
import type { SamplerError, SamplerErrorData } from "./errors.js";
import type { LoadProgress } from "./model.js";

/** A model to load. Addresses as texts, which a worker can be sent. */
export interface LoadRequest {
  readonly source: string | FileSystemDirectoryHandle;
  readonly device: Device;
  readonly runtimeUrl: string | undefined;
}

/** Images to draw, with every choice made. */
export interface DrawRequest {
  readonly count: number;
  /** Of each image; empty for a model without classes. */
  readonly labels: readonly number[];
  readonly seed: number;
  readonly sampler: SamplerName;
  readonly spacing: Spacing;
  /** DDIM's. */
  readonly eta: number;
  readonly steps: number;
  /** Steps left out at the noisy end. */
  readonly skip: number;
  /** Whole images in the model's range, which those to draw begin with in turn, noised; without them, noise alone. */
  readonly from: Float32Array<ArrayBuffer> | undefined;
  /** Whole images of standard normals, taken in turn in place of the seed's first noise. */
  readonly initial: Float32Array<ArrayBuffer> | undefined;
  /** Every so many steps bring their images along, and the last; 0: none. */
  readonly previews: number;
}

/** What is known of a model once it is loaded. */
export interface LoadResult {
  readonly choice: DeviceChoice;
  readonly manifest: Manifest;
}

/** An evaluation of the network and the update after it. */
interface StepData {
  /** Rows of the sampler's table done, 1..steps. */
  readonly step: number;
  readonly steps: number;
  /** [count, C, H, W], if previews were asked for. */
  readonly x?: Float32Array<ArrayBuffer>;
}

/** To the worker. `abort`, `hold` and `go` mean the request of that id. */
export type ToWorker =
  | { readonly type: "load"; readonly id: number; readonly request: LoadRequest }
  | { readonly type: "draw"; readonly id: number; readonly request: DrawRequest }
  | { readonly type: "abort" | "hold" | "go"; readonly id: number };

/** From the worker. Every request ends with `done` or `failed`; after `ended` nothing is to be had of it any more. */
export type FromWorker =
  | { readonly type: "progress"; readonly id: number; readonly value: LoadProgress }
  | { readonly type: "step"; readonly id: number; readonly value: StepData }
  | { readonly type: "done"; readonly id: number; readonly value: LoadResult | Float32Array<ArrayBuffer> }
  | { readonly type: "failed"; readonly id: number; readonly error: SamplerErrorData }
  | { readonly type: "ended"; readonly error: SamplerErrorData };

/** Told a step. A promise holds the work until it resolves. */
export type OnStep = (step: StepData) => undefined | Promise<void>;

/** What loads and draws: in this thread, or in a worker that it speaks for. */
export interface Engine {
  /** Why it is of no more use: make another. */
  readonly failure: SamplerError | undefined;
  load(
    request: LoadRequest,
    signal: AbortSignal | undefined,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<LoadResult>;
  /**
   * [count, C, H, W] in the model's range.
   *
   * @param onStep told each step; a promise holds the work, soon after the step, until it resolves.
   */
  draw(
    request: DrawRequest,
    signal: AbortSignal | undefined,
    onStep: OnStep,
  ): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}
