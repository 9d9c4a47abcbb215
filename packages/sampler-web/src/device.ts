/** Where the network runs, and why there. */
import { SamplerError } from "./errors.js";

/** Where the network may run; `auto` takes WebGPU where the visitor's GPU has it. */
export type Device = "auto" | "webgpu" | "wasm";

/** The choice that was made. */
export interface DeviceChoice {
  readonly device: "webgpu" | "wasm";
  /** In words, such as "this browser has no WebGPU". */
  readonly why: string;
}

/**
 * Chooses a device.
 *
 * @param gpu the browser's `navigator.gpu`, in a page or in a worker.
 * @throws SamplerError `no-webgpu` if WebGPU was asked for and is not to be had.
 */
export async function chooseDevice(device: Device, gpu: GPU | undefined): Promise<DeviceChoice> {
  if (device === "wasm") return { device, why: "asked for" };
  const obstacle = await obstacleToWebGpu(gpu);
  if (obstacle === undefined) {
    return {
      device: "webgpu",
      why: device === "webgpu" ? "asked for" : "this browser gives access to the GPU",
    };
  }
  if (device === "auto") return { device: "wasm", why: obstacle.why };
  // In software it is slow, but it is what was asked for.
  if (obstacle.slowOnly) return { device, why: "asked for" };
  throw new SamplerError({
    code: "no-webgpu",
    problem: `device "webgpu": ${obstacle.why}`,
    remedy: "load with device: 'auto' or 'wasm'",
  });
}

/** Whether the browser has taken the GPU away from this thread. */
let wasLost = false;

/** Notes that the GPU is gone: ONNX Runtime gets no other one in the same thread. Workers are made anew. */
export function noteLostGpu(): void {
  wasLost = true;
}

async function obstacleToWebGpu(
  gpu: GPU | undefined,
): Promise<{ why: string; slowOnly: boolean } | undefined> {
  if (gpu === undefined) {
    const why = globalThis.isSecureContext
      ? "this browser has no WebGPU"
      : "browsers give WebGPU only to pages served by https or from localhost";
    return { why, slowOnly: false };
  }
  if (wasLost) {
    const why = "the browser has taken the GPU away, and without a worker ONNX Runtime gets no other one";
    return { why, slowOnly: false };
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (adapter === null) return { why: "WebGPU finds no GPU on this machine", slowOnly: false };
  const { info } = adapter;
  const software = /swiftshader|llvmpipe|lavapipe|software|basic render/i;
  if (info.isFallbackAdapter || software.test(`${info.vendor} ${info.architecture} ${info.description}`)) {
    return { why: "WebGPU runs in software here, where WebAssembly is faster", slowOnly: true };
  }
  return undefined;
}
