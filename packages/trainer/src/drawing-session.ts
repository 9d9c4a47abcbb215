/** The session that draws with a trained model: the folder's own graph, or that graph with guidance, as suits the device. */

import { type Manifest, UserError } from "@onnx-diffusion/diffusion";
import { forCpu, GraphError, importModel, type Model, writeOnnx } from "@onnx-diffusion/graph-builder";
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
  if (guidance !== undefined) {
    const source = guided(readFormSource(model.folder, "onnx"), guidance);
    return { manifest: source.manifest, session: await createFastSession(source, device, options) };
  }
  const { manifest } = model;
  const source = device === "cpu" ? readable(model) : undefined;
  const session = source
    ? await createFastSession(source, device, options)
    : await createSession(model, "inference_model", device, options);
  return { manifest, session };
}

/** A session of a model that is held in memory, as it is. */
export async function createSourceSession(
  source: FormSource,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  return await sessionOf(withWeights(source), source, device, options);
}

/** The same in the form that suits the device: on the CPU a step takes three quarters of the time. */
async function createFastSession(
  source: FormSource,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  const model = withWeights(source);
  return await sessionOf(device === "cpu" ? forCpu(model) : model, source, device, options);
}

async function sessionOf(
  model: Model,
  { manifest }: FormSource,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  return await createSessionOf(writeOnnx(model), manifest.graphs.inference_model!.file, device, options);
}

/** The model, where it is one that forms are made from; others (in half precision, or of other operators) are run as they are. */
function readable(model: ModelFolder): FormSource | undefined {
  try {
    const source = readFormSource(model.folder, "onnx");
    importModel(source.model);
    return source;
  } catch (error) {
    if (error instanceof UserError || error instanceof GraphError) return undefined;
    throw error;
  }
}
