/** The session that draws with a trained model: the folder's own graph, or that graph with guidance, as suits the device. */

import { type Manifest, UserError } from "@onnx-diffusion/diffusion";
import { forCpu, GraphError, type Model, writeOnnx } from "@onnx-diffusion/graph-builder";
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
  const { manifest } = model;
  if (guidance === undefined) {
    const form = device === "cpu" ? cpuForm(model) : undefined;
    const session = form
      ? await sessionOf(form, manifest, device, options)
      : await createSession(model, "inference_model", device, options);
    return { manifest, session };
  }
  const source = guided(readFormSource(model.folder, "onnx"), guidance);
  const whole = withWeights(source);
  const network = device === "cpu" ? forCpu(whole) : whole;
  return { manifest: source.manifest, session: await sessionOf(network, source.manifest, device, options) };
}

/** A session of a model that is held in memory, as it is. */
export async function createSourceSession(
  source: FormSource,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  return await sessionOf(withWeights(source), source.manifest, device, options);
}

async function sessionOf(
  model: Model,
  { graphs }: Manifest,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  return await createSessionOf(writeOnnx(model), graphs.inference_model!.file, device, options);
}

/**
 * The model as the CPU draws faster with it. Undefined where it is none that forms are made from, such as one in half
 * precision or of operators that the builder has not: it is run as it is.
 */
function cpuForm(model: ModelFolder): Model | undefined {
  try {
    return forCpu(withWeights(readFormSource(model.folder, "onnx")));
  } catch (error) {
    if (error instanceof UserError || error instanceof GraphError) return undefined;
    throw error;
  }
}
