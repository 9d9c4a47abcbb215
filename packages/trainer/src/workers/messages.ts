/** What the threads of a run say to each other. */

import type { MessagePort } from "node:worker_threads";
import { type Manifest, type SamplerName, UserError } from "@onnx-diffusion/diffusion";
import type { ModelFolder } from "../artifacts.js";
import type { Configuration } from "../configuration.js";
import type { Device, DeviceChoice } from "../device-names.js";
import type { PlanOptions } from "../plan.js";
import type { RunFolder } from "../run-folder.js";
import type { Snapshot } from "../saving.js";
import type { StateArray } from "../state.js";

/** An error on its way between threads, where classes are lost. */
export interface Failure {
  readonly type: "failed";
  readonly message: string;
  readonly stack: string;
  /** Undefined for a defect of the program. */
  readonly user: { readonly usage: boolean } | undefined;
}

export function failureOf(error: unknown): Failure {
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  const user = error instanceof UserError ? { usage: error.usage } : undefined;
  return { type: "failed", message, stack, user };
}

export function errorOf({ message, stack, user }: Failure): Error {
  const error = user === undefined ? new Error(message) : new UserError(message, user);
  error.stack = stack;
  return error;
}

/** Real images to show beside generated ones. */
export interface RealImages {
  /** uint8 [N, C, H, W]. */
  readonly images: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

// ---- the batch worker -------------------------------------------------------------------------------------------

export interface BatchWorkerData {
  readonly manifest: Manifest;
  readonly data: string;
  readonly dataDir: string | undefined;
  readonly seed: number;
  readonly batch: number;
  /** Labels of the real images wanted; without classes, how many. */
  readonly wanted: { readonly labels: readonly number[]; readonly count: number };
  /** To the training worker. */
  readonly port: MessagePort;
}

/** From the main thread. */
export type BatchCommand = { readonly type: "stop" };

/** To the main thread. */
export type BatchReport =
  | { readonly type: "loading"; readonly done: number; readonly total: number }
  | { readonly type: "warning"; readonly text: string }
  | {
      readonly type: "data";
      readonly count: number;
      readonly digest: string;
      readonly classNames: readonly string[];
      readonly real: RealImages;
    }
  | Failure;

/** From the training worker; each `more` is answered with one chunk, as long as there are any. */
export type ChunkRequest = { readonly type: "begin"; readonly plan: PlanOptions } | { readonly type: "more" };

// ---- the training worker ----------------------------------------------------------------------------------------

export interface TrainingWorkerData {
  readonly model: ModelFolder;
  readonly device: DeviceChoice;
  readonly threads: number;
  readonly run: RunFolder;
  readonly resume: boolean;
  readonly steps: number;
  readonly saveEvery: number;
  readonly sampleEvery: number;
  readonly keep: number;
  /** Of parameters and buffers, to begin with. Undefined: random ones. */
  readonly weights: ReadonlyMap<string, StateArray> | undefined;
  /** One int32; not 0 means: end after the running chunk and save. */
  readonly stop: Int32Array<SharedArrayBuffer>;
  /** To the batch worker. */
  readonly port: MessagePort;
}

/** From the main thread. */
export type TrainingCommand =
  | { readonly type: "begin"; readonly configuration: Configuration }
  | { readonly type: "stop" };

/** To the main thread. */
export type TrainingReport =
  | { readonly type: "device"; readonly device: Device; readonly rejected: readonly string[] }
  | { readonly type: "warning"; readonly text: string }
  | { readonly type: "started"; readonly step: number; readonly checkpoint: string | undefined }
  | {
      readonly type: "steps";
      readonly first: number;
      readonly losses: Float32Array;
      readonly smoothed: readonly number[];
      readonly seconds: number;
    }
  | { readonly type: "saved"; readonly step: number; readonly path: string }
  | { readonly type: "exported"; readonly step: number }
  | { readonly type: "ended"; readonly step: number; readonly saved: number }
  | Failure;

// ---- the saving worker, whose data are SavingOptions -------------------------------------------------------------

/** From the training worker; the next `save` when the one before is answered. */
export type SavingCommand =
  | { readonly type: "save"; readonly snapshot: Snapshot }
  | { readonly type: "stop" };

/** To the training worker, of each `save`. */
export type SavingReport =
  | {
      readonly type: "saved";
      /** Of the checkpoint, where there is a new one. */
      readonly path: string | undefined;
      readonly failure: Failure | undefined;
    }
  | Failure;

// ---- the picture worker -----------------------------------------------------------------------------------------

export interface PictureWorkerData {
  readonly run: RunFolder;
  readonly seed: number;
  readonly labels: readonly number[];
  readonly count: number;
  /** Images in a row of the grid. */
  readonly columns: number;
  readonly classNames: readonly string[];
  readonly real: RealImages;
  /** One int32; not 0 means: give up. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** From the main thread. */
export type PictureCommand =
  | {
      readonly type: "draw";
      readonly sampler: SamplerName;
      readonly steps: number;
      readonly threads: number;
    }
  | { readonly type: "stop" };

/** To the main thread. */
export type PictureReport =
  | { readonly type: "drawing"; readonly done: number; readonly total: number }
  | { readonly type: "drawn"; readonly step: number; readonly path: string }
  /** Training goes on all the same: it is worth more than its pictures. */
  | { readonly type: "notDrawn"; readonly reason: string }
  | Failure;
