/** ONNX Runtime, of which a page gets the smallest build that does what it needs. */
import type { InferenceSession } from "onnxruntime-web";
import type { DeviceChoice } from "./device.js";
import type { LoadedModel } from "./model.js";
import { keepRuntimeFile, runtimeFileKept } from "./runtime-file.js";

/** ONNX Runtime's module; all builds have the same face. */
export type Runtime = typeof import("onnxruntime-web");

/** How the runtime is set up. */
export interface RuntimeOptions {
  /** Called as bytes of the runtime's own file come; in workers alone. */
  readonly onBytes: (bytes: number) => void;
  /** Address of the folder with the runtime's own files; without it they lie where the bundler has put them. */
  readonly runtimeUrl: string | undefined;
}

/** A build: without WebGPU; with it where WebAssembly can wait (JSPI); with it elsewhere. */
type Build = "wasm" | "jspi" | "webgpu";

const buildFor = (device: DeviceChoice["device"]): Build =>
  device === "wasm" ? "wasm" : "Suspending" in WebAssembly ? "jspi" : "webgpu";

/** Bytes of the builds' own files, uncompressed (test/web-bundle.test.ts compares with the package's). */
export const RUNTIME_BYTES = {
  wasm: 14_239_897,
  jspi: 16_758_545,
  webgpu: 26_781_914,
} as const satisfies Record<Build, number>;

const isWorker = globalThis.document === undefined;

/** Bytes that `importRuntime` will tell; 0 in a page, where ONNX Runtime fetches unheard. */
export const runtimeBytes = (device: DeviceChoice["device"]): number =>
  isWorker ? RUNTIME_BYTES[buildFor(device)] : 0;

/** Loads the build for a device. */
export async function importRuntime(
  device: DeviceChoice["device"],
  { runtimeUrl, onBytes }: RuntimeOptions,
): Promise<Runtime> {
  const imports = {
    wasm: () => import("onnxruntime-web/wasm"),
    jspi: () => import("onnxruntime-web/jspi"),
    webgpu: () => import("onnxruntime-web/webgpu"),
  } satisfies Record<Build, () => Promise<Runtime>>;
  const runtime = await imports[buildFor(device)]();
  if (isWorker) keepRuntimeFile(runtime.env.versions.web ?? runtime.env.versions.common, onBytes);
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
