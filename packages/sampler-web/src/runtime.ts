/** ONNX Runtime, of which a page gets the smallest build that does what it needs. */
import type { InferenceSession } from "onnxruntime-web";
import type { DeviceChoice } from "./device.js";
import type { LoadedModel } from "./model.js";
import { keepRuntimeFile, runtimeFileKept } from "./runtime-file.js";

/** ONNX Runtime's module; all builds have the same face. */
export type Runtime = typeof import("onnxruntime-web");

/** How the runtime is set up. */
export interface RuntimeOptions {
  /** Address of the folder with the runtime's own files; without it they lie where the bundler has put them. */
  readonly runtimeUrl: string | undefined;
}

/** Loads the build for a device: without WebGPU; with it where WebAssembly can wait (JSPI); with it elsewhere. */
export async function importRuntime(
  device: DeviceChoice["device"],
  { runtimeUrl }: RuntimeOptions,
): Promise<Runtime> {
  const runtime = await (device === "wasm"
    ? import("onnxruntime-web/wasm")
    : "Suspending" in WebAssembly
      ? import("onnxruntime-web/jspi")
      : import("onnxruntime-web/webgpu"));
  if (globalThis.document === undefined)
    keepRuntimeFile(runtime.env.versions.web ?? runtime.env.versions.common);
  if (runtimeUrl !== undefined) runtime.env.wasm.wasmPaths = runtimeUrl;
  // Warnings are about optimisations that a page can do nothing about.
  runtime.env.logLevel = "error";
  return runtime;
}

/** Makes a session of a model. */
export async function createSession(
  { InferenceSession }: Runtime,
  { graph, externalData }: LoadedModel,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const session = await InferenceSession.create(graph, { ...options, externalData });
  await runtimeFileKept();
  return session;
}
