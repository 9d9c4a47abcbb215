/** The session that draws with a trained model: the folder's own graph, or that graph with guidance. */

import type { Manifest } from "@onnx-diffusion/diffusion";
import { writeOnnx } from "@onnx-diffusion/graph-builder";
import type { InferenceSession } from "onnxruntime-node";
import type { ModelFolder } from "./artifacts.js";
import type { Device } from "./device-names.js";
import { createSession, createSessionOf, type SessionOptions } from "./devices.js";
import type { FormSource } from "./forms/form.js";
import { guided } from "./forms/guided.js";
import { withWeights } from "./forms/single.js";
import { readFormSource } from "./forms/source.js";

/** What draws, and how it is asked. */
export interface DrawingSession {
  readonly manifest: Manifest;
  readonly session: InferenceSession;
}

/**
 * @param guidance the weight with which the network leans towards the class; undefined: as the folder has it.
 * @throws UserError if the graph cannot be loaded, or guidance does not fit the model.
 */
export async function createDrawingSession(
  model: ModelFolder,
  guidance: number | undefined,
  device: Device,
  options: SessionOptions,
): Promise<DrawingSession> {
  if (guidance === undefined) {
    return {
      manifest: model.manifest,
      session: await createSession(model, "inference_model", device, options),
    };
  }
  const source = guided(readFormSource(model.folder, "onnx"), guidance);
  return { manifest: source.manifest, session: await createSourceSession(source, device, options) };
}

/** A session of a model that is held in memory. */
export async function createSourceSession(
  source: FormSource,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  return await createSessionOf(
    writeOnnx(withWeights(source)),
    source.manifest.graphs.inference_model!.file,
    device,
    options,
  );
}
