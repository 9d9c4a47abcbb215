/** Loading and drawing in the thread that calls it. */
import { fillImageNoise, type Manifest, sample, samplerNamed, scheduleOf } from "@onnx-diffusion/diffusion";
import { chooseDevice } from "./device.js";
import { asSamplerError, checkAborted, deviceLost, disposed, type SamplerError } from "./errors.js";
import { loadModel } from "./model.js";
import type { DrawRequest, Engine, LoadRequest, LoadResult, OnStep } from "./protocol.js";
import { createSession, type RuntimeSession } from "./runtime.js";
import { fillStart } from "./start.js";

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

/** A session of one model. Draws one request at a time. */
export class LocalEngine implements Engine {
  #loaded: (RuntimeSession & { readonly manifest: Manifest }) | undefined;
  /** Rejects when the GPU is taken away: ONNX Runtime's `run` may wait for it forever. */
  #lost: Promise<never> | undefined;

  async load(
    { source, device, runtimeUrl }: LoadRequest,
    signal: AbortSignal | undefined,
    onProgress: Parameters<Engine["load"]>[2],
  ): Promise<LoadResult> {
    const choice = await chooseDevice(device, navigator.gpu);
    const model = await loadModel(typeof source === "string" ? new URL(source) : source, {
      signal,
      onProgress,
    });
    checkAborted(signal);
    try {
      const made = await createSession(model, choice.device, { runtimeUrl });
      this.#loaded = { ...made, manifest: model.manifest };
      if (choice.device === "webgpu") this.#watch(await made.runtime.env.webgpu.device);
    } catch (error) {
      throw asSamplerError(error, `ONNX Runtime cannot load the model on ${choice.device}`);
    }
    return { choice, manifest: model.manifest };
  }

  #watch(device: GPUDevice): void {
    this.#lost = device.lost.then(({ message, reason }): never => {
      throw deviceLost(message || reason || "no reason given");
    });
    this.#lost.catch(() => undefined);
  }

  async draw(
    request: DrawRequest,
    signal: AbortSignal | undefined,
    onStep: OnStep,
  ): Promise<Float32Array<ArrayBuffer>> {
    if (this.#loaded === undefined) throw disposed();
    const { manifest } = this.#loaded;
    const { channels, height, width } = manifest.image;
    const { count, seed, previews } = request;
    const size = channels * height * width;
    const schedule = scheduleOf(manifest.schedule);
    const rows = samplerNamed(request.sampler)(schedule, request.steps, {
      spacing: request.spacing,
      skip: request.skip,
    });
    const images = new Float32Array(count * size);
    const batches = Math.ceil(count / LARGEST_BATCH);
    for (let number = 0; number < batches; number++) {
      const first = number * LARGEST_BATCH;
      const batch = Math.min(LARGEST_BATCH, count - first);
      const labels = Int32Array.from(request.labels.slice(first, first + batch));
      const part = images.subarray(first * size, (first + batch) * size);
      fillStart(part, { request, schedule, size, first });
      const walk = sample({
        rows,
        x: part.slice(),
        denoise: (x, timestep) => this.#predict(x, [batch, channels, height, width], timestep, labels),
        noise: (out, row) => fillImageNoise(out, { seed, purpose: "sampleStep", row, size, first }),
        signal: signal && { throwIfAborted: () => checkAborted(signal) },
      });
      for await (const { row, x } of walk) {
        part.set(x);
        const step = { step: number * rows.length + row + 1, steps: batches * rows.length };
        await turn();
        await onStep(previews ? { ...step, x: images.slice() } : step);
      }
    }
    return images;
  }

  /** eps of x_t. */
  async #predict(
    x: Float32Array,
    shape: readonly number[],
    timestep: number,
    labels: Int32Array,
  ): Promise<Float32Array> {
    const { runtime, session, manifest } = this.#loaded ?? fail(disposed());
    const { Tensor } = runtime;
    const batch = shape[0]!;
    const inputs = {
      sample: new Tensor("float32", x, shape),
      ...(manifest.timestep && {
        timestep: new Tensor("int32", new Int32Array(batch).fill(timestep), [batch]),
      }),
      ...(manifest.classes > 0 && { class_labels: new Tensor("int32", labels, [batch]) }),
    };
    try {
      const run = session.run(inputs);
      const { out_sample: output } = await (this.#lost ? Promise.race([run, this.#lost]) : run);
      return output!.data as Float32Array;
    } catch (error) {
      throw asSamplerError(error, "ONNX Runtime cannot run the model");
    }
  }

  async dispose(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    // A session of a lost device cannot be released; it is gone.
    await loaded?.session.release().catch(() => undefined);
  }
}

function fail(error: SamplerError): never {
  throw error;
}
