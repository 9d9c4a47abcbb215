/** Sessions on a device of this machine, and the choice of the device. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type GraphName, UserError } from "@onnx-diffusion/diffusion";
import { InferenceSession } from "onnxruntime-node";
import { graphPath, type ModelFolder } from "./artifacts.js";
import type { Device, DeviceChoice } from "./device-names.js";

export interface DeviceSession {
  readonly session: InferenceSession;
  readonly graph: GraphName;
  readonly device: Device;
  /** Why devices that `auto` would rather have taken were not. */
  readonly rejected: readonly string[];
}

export interface SessionOptions {
  /** Threads inside an operator. */
  readonly threads: number;
  /** What the file of ONNX Runtime's profile begins with; none by default. */
  readonly profile?: string;
  /** ONNX Runtime writes all that it does on the error stream, not errors alone. */
  readonly verbose?: boolean;
  /** Whether threads go on spinning for a moment after a run, which makes the next one start sooner. Default: true. */
  readonly spinOn?: boolean;
}

/**
 * Creates a session of a model's graph.
 *
 * @throws UserError if ONNX Runtime cannot load the graph on that device.
 */
export async function createSession(
  model: ModelFolder,
  graph: GraphName,
  device: Device,
  options: SessionOptions,
): Promise<InferenceSession> {
  const path = graphPath(model, graph);
  const session = await createSessionOf(path, path, device, options);
  const expected = model.manifest.graphs[graph]!.inputs.map(({ name }) => name);
  const missing = expected.find((name) => !session.inputNames.includes(name));
  if (missing !== undefined) {
    throw new UserError(`${path}: the graph has no input "${missing}", which the manifest names`);
  }
  return session;
}

/**
 * Creates a session of a file, or of its bytes.
 *
 * @param where what errors call it.
 * @throws UserError if ONNX Runtime cannot load the graph on that device.
 */
export async function createSessionOf(
  file: string | Uint8Array,
  where: string,
  device: Device,
  { threads, profile, verbose = false, spinOn = true }: SessionOptions,
): Promise<InferenceSession> {
  if (device === "cuda") requireCudaLibrary();
  try {
    // two signatures, of which a union fits neither
    return await InferenceSession.create(file as string, {
      executionProviders: [device],
      intraOpNumThreads: threads,
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
      // A plan of the memory that one run takes costs the CPU a quarter more of it, and saves no time.
      ...(device === "cpu" && { enableMemPattern: false }),
      // 3: errors. Warnings are about optimisations that a user can do nothing about.
      logSeverityLevel: verbose ? 0 : 3,
      // Moments of an optimizer sink below the smallest normal float, where arithmetic is many times slower.
      extra: { session: { set_denormal_as_zero: "1", ...(!spinOn && { force_spinning_stop: "1" }) } },
    });
  } catch (error) {
    throw new UserError(`device ${device}: ONNX Runtime cannot run ${where}: ${firstLine(error)}`, {
      cause: error,
    });
  }
}

/**
 * The session in which a model is trained: `training_loop` on the CPU and CUDA, where a Loop keeps the state in place;
 * `training_step` on WebGPU, which has no Loop.
 *
 * @throws UserError if the device that was asked for cannot be had.
 */
export async function createTrainingSession(
  model: ModelFolder,
  choice: DeviceChoice,
  options: SessionOptions,
): Promise<DeviceSession> {
  const rejected: string[] = [];
  for (const device of choice === "auto" ? (["cuda", "cpu"] as const) : [choice]) {
    const graph = device === "webgpu" ? "training_step" : "training_loop";
    try {
      const session = await createSession(model, graph, device, options);
      return { session, graph, device, rejected };
    } catch (error) {
      if (choice !== "auto" || device === "cpu" || !(error instanceof UserError)) throw error;
      rejected.push(error.message);
    }
  }
  throw new Error("unreachable: the CPU's error is thrown above");
}

/** Where onnxruntime-node's binary for this system lies, and its providers beside it. */
export function runtimeFolder(): string {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve("onnxruntime-node")));
  return join(root, "bin", "napi-v6", process.platform, process.arch);
}

/** The provider is a file that the npm package does not carry; asking ONNX Runtime would print its own lines. */
function requireCudaLibrary(): void {
  const folder = runtimeFolder();
  const name =
    process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
  if (existsSync(join(folder, name))) return;
  throw new UserError(
    `device cuda: ONNX Runtime's CUDA provider (${name} in ${folder}) is not installed; ` +
      "trainer doctor says what is missing; or use --device cpu",
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // ONNX Runtime's messages begin with the place in its source; what counts is the end.
  return text.trim().split("\n")[0]!;
}
