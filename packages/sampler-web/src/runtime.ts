/** ONNX Runtime, of which a page gets the smallest build that does what it needs. */
import type { InferenceSession } from "onnxruntime-web";
import type { DeviceChoice } from "./device.js";
import type { LoadedModel } from "./model.js";

/** ONNX Runtime's module; all builds have the same face. */
type Runtime = typeof import("onnxruntime-web");

/** A session and the build that made it. */
export interface RuntimeSession {
  readonly runtime: Runtime;
  readonly session: InferenceSession;
}

/** How the runtime is set up. */
export interface RuntimeOptions {
  /** Address of the folder with the runtime's own files; without it they lie where the bundler has put them. */
  readonly runtimeUrl: string | undefined;
}

/** Loads the build for a device: without WebGPU; with it where WebAssembly can wait (JSPI); with it elsewhere. */
async function importRuntime(device: DeviceChoice["device"]): Promise<Runtime> {
  if (device === "wasm") return import("onnxruntime-web/wasm");
  return "Suspending" in WebAssembly ? import("onnxruntime-web/jspi") : import("onnxruntime-web/webgpu");
}

/** Makes a session of a model on a device. */
export async function createSession(
  model: LoadedModel,
  device: DeviceChoice["device"],
  { runtimeUrl }: RuntimeOptions,
): Promise<RuntimeSession> {
  const runtime = await importRuntime(device);
  if (runtimeUrl !== undefined) runtime.env.wasm.wasmPaths = runtimeUrl;
  // Warnings are about optimisations that a page can do nothing about.
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(model.graph, {
    executionProviders: [device],
    externalData: model.externalData,
  });
  return { runtime, session };
}
