/** Loading and drawing in the thread that calls it. */
import { batchesOf, fillImageNoise, type Manifest, samplerRows, scheduleOf } from "@onnx-diffusion/diffusion";
import { CpuWalker } from "./cpu-walker.js";
import { chooseDevice, noteLostGpu } from "./device.js";
import { asSamplerError, checkAborted, disposed, type SamplerError } from "./errors.js";
import { GpuWalker } from "./gpu-walker.js";
import { loadModel } from "./model.js";
import type { DrawRequest, Engine, LoadRequest, LoadResult, OnStep } from "./protocol.js";
import { defaultCount } from "./request.js";
import { importRuntime, runtimeBytes } from "./runtime.js";
import { fillStart } from "./start.js";
import type { Walker } from "./walker.js";

/** Images drawn together: enough to fill a device, few enough for its memory. */
const LARGEST_BATCH = 64;

/** Resolves when the thread has dealt with what waited, such as the message that stops the work. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** A model on a device. Draws one request at a time. */
export class LocalEngine implements Engine {
  #loaded: { readonly manifest: Manifest; readonly walker: Walker } | undefined;
  #failure: SamplerError | undefined;
  readonly #onFailure: (error: SamplerError) => void;

  /** @param onFailure told when the device is gone, even if nothing is being drawn. */
  constructor(onFailure: (error: SamplerError) => void = () => undefined) {
    this.#onFailure = onFailure;
  }

  get failure(): SamplerError | undefined {
    return this.#failure;
  }

  async load(
    { source, device, runtimeUrl }: LoadRequest,
    signal: AbortSignal | undefined,
    onProgress: Parameters<Engine["load"]>[2],
  ): Promise<LoadResult> {
    const choice = await chooseDevice(device, navigator.gpu);
    let progress = { loaded: 0, total: 0 };
    const tell = (now: typeof progress): void => {
      progress = now;
      onProgress(now);
    };
    const more = runtimeBytes(choice.device);
    const model = await loadModel(typeof source === "string" ? new URL(source) : source, {
      signal,
      onProgress: ({ loaded, total }) => tell({ loaded, total: total + more }),
    });
    checkAborted(signal);
    const { manifest } = model;
    try {
      const onBytes = (bytes: number): void => {
        const loaded = progress.loaded + bytes;
        tell({ loaded, total: Math.max(loaded, progress.total) });
      };
      const runtime = await importRuntime(choice.device, { runtimeUrl, onBytes });
      const { size } = batchesOf(manifest, defaultCount(manifest), LARGEST_BATCH)[0]!;
      const walker =
        choice.device === "webgpu"
          ? await GpuWalker.create(runtime, model, size, (error) => this.#fail(error))
          : await CpuWalker.create(runtime, model);
      this.#loaded = { manifest, walker };
      // A runtime of another size than ours: what has come is all there is.
      if (progress.loaded < progress.total) tell({ ...progress, total: progress.loaded });
    } catch (error) {
      throw asSamplerError(error, `ONNX Runtime cannot load the model on ${choice.device}`);
    }
    return { choice, manifest };
  }

  #fail(error: SamplerError): void {
    this.#failure = error;
    noteLostGpu();
    this.#onFailure(error);
  }

  async draw(
    request: DrawRequest,
    signal: AbortSignal | undefined,
    onStep: OnStep,
  ): Promise<Float32Array<ArrayBuffer>> {
    if (this.#loaded === undefined) throw disposed();
    const { manifest, walker } = this.#loaded;
    const { channels, height, width } = manifest.image;
    const { count, seed, previews } = request;
    const size = channels * height * width;
    const schedule = scheduleOf(manifest.schedule);
    const rows = samplerRows(manifest, request);
    const images = new Float32Array(count * size);
    const batches = batchesOf(manifest, count, LARGEST_BATCH);
    const steps = batches.length * rows.length;
    const wanted = (step: number): boolean => previews > 0 && (step % previews === 0 || step === steps);
    try {
      for (const [number, { first, count: asked, size: batch }] of batches.entries()) {
        const x = new Float32Array(batch * size);
        const part = images.subarray(first * size, (first + asked) * size);
        fillStart(x, { request, schedule, size, first });
        part.set(x.subarray(0, part.length));
        const walk = walker.walk({
          rows,
          x,
          labels: request.labels.slice(first, first + asked),
          noise: (out, row) => fillImageNoise(out, { seed, purpose: "sampleStep", row, size, first }),
          wanted: (row) => wanted(number * rows.length + row + 1),
          check: () => checkAborted(signal),
        });
        for await (const { row, x } of walk) {
          if (x) part.set(x.subarray(0, part.length));
          const step = number * rows.length + row + 1;
          await turn();
          await onStep(wanted(step) ? { step, steps, x: images.slice() } : { step, steps });
        }
      }
    } catch (error) {
      throw asSamplerError(error, "ONNX Runtime cannot run the model");
    }
    return images;
  }

  async dispose(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.walker.release().catch(() => undefined);
  }
}
