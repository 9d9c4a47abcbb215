/** Walks on WebGPU: x, noise and estimates stay in GPU buffers, and a step is one run of one graph. */
import { argumentName, type NetworkInput, networkInputs } from "@onnx-diffusion/diffusion";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { deviceLost, type SamplerError } from "./errors.js";
import type { LoadedModel } from "./model.js";
import { createSession, type Runtime } from "./runtime.js";
import { coefficientsOf, STEP, stepGraph } from "./step-graph.js";
import type { Walk, Walker, WalkStep } from "./walker.js";

// WebGPU's GPUBufferUsage and GPUMapMode (https://www.w3.org/TR/webgpu/#buffer-usage), which the compiler does not know.
const [MAP_READ, COPY_SRC, COPY_DST, STORAGE] = [0x1, 0x4, 0x8, 0x80];

/** Steps that the GPU may be behind: enough to keep it busy, few enough to stop soon. */
const AHEAD = 2;

/** How long the browser may take to say that the GPU is gone. */
const LOSS_MS = 1000;

/** A session for batches of one size, and its buffers, which live as long: a captured graph knows no others. */
interface Prepared {
  readonly batch: number;
  readonly session: InferenceSession;
  readonly feeds: Record<string, Tensor>;
  readonly fetches: Record<string, Tensor>;
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
}

/** One session at a time, made anew for batches of another size. */
export class GpuWalker implements Walker {
  readonly #runtime: Runtime;
  readonly #model: LoadedModel;
  readonly #device: GPUDevice;
  /** Rejects when the GPU is taken away, which ONNX Runtime's `run` does not notice. */
  readonly #lost: Promise<never>;
  #prepared: Prepared | undefined;

  #released = false;

  private constructor(
    runtime: Runtime,
    model: LoadedModel,
    device: GPUDevice,
    onLost: (error: SamplerError) => void,
  ) {
    this.#runtime = runtime;
    this.#model = model;
    this.#device = device;
    this.#lost = device.lost.then(({ message, reason }): never => {
      const error = deviceLost(message || reason || "no reason given");
      // With its last session ONNX Runtime gives up the device.
      if (!this.#released) onLost(error);
      throw error;
    });
    this.#lost.catch(() => undefined);
  }

  /** @param onLost told when the browser takes the GPU away. */
  static async create(
    runtime: Runtime,
    model: LoadedModel,
    batch: number,
    onLost: (error: SamplerError) => void,
  ): Promise<GpuWalker> {
    // The runtime's device is there once it has a session.
    const session = await gpuSession(runtime, model, batch);
    const walker = new GpuWalker(runtime, model, await runtime.env.webgpu.device, onLost);
    walker.#prepared = walker.#equip(session, batch);
    return walker;
  }

  async prepare(batch: number): Promise<void> {
    const former = this.#prepared;
    if (former?.batch === batch) return;
    const session = await this.#unlessLost(gpuSession(this.#runtime, this.#model, batch));
    this.#prepared = this.#equip(session, batch);
    // Not before: with its last session ONNX Runtime gives up the device.
    await drop(former);
  }

  #equip(session: InferenceSession, batch: number): Prepared {
    const { manifest } = this.#model;
    const { channels, height, width } = manifest.image;
    const size = batch * channels * height * width;
    const buffers = new Map<string, GPUBuffer>();
    const tensor = (name: string, { dtype, dims }: Pick<NetworkInput, "dtype" | "dims">): Tensor => {
      const buffer = this.#buffer(bytesOf(dtype) * dims.reduce((a, b) => a * b, 1));
      buffers.set(name, buffer);
      // The types that a network is told of are all among ONNX Runtime's.
      const dataType = dtype as Tensor.GpuBufferDataTypes;
      return this.#runtime.Tensor.fromGpuBuffer(buffer, { dataType, dims });
    };
    const question = { x: new Float32Array(size), timestep: 1, labels: [] };
    const inputs = Object.entries(networkInputs(manifest, question));
    const dtype = "float32";
    const feeds = {
      ...Object.fromEntries(inputs.map(([name, input]) => [name, tensor(name, input)])),
      [STEP.past]: tensor(STEP.past, { dtype, dims: [2, size] }),
      [STEP.coefficients]: tensor(STEP.coefficients, { dtype, dims: [2, 4] }),
    };
    const fetches = { [STEP.next]: tensor(STEP.next, { dtype, dims: [2, size] }) };
    return { batch, session, feeds, fetches, buffers };
  }

  /** ONNX Runtime reads and writes whole vectors: a buffer that is no multiple of 16 bytes gives wrong numbers. */
  #buffer(bytes: number, usage = STORAGE | COPY_SRC | COPY_DST) {
    return this.#device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage });
  }

  async *walk({ rows, x, labels, noise, wanted, check }: Walk): AsyncGenerator<WalkStep, void, undefined> {
    const { manifest } = this.#model;
    const { channels, height, width } = manifest.image;
    await this.prepare(x.length / (channels * height * width));
    const { session, feeds, fetches, buffers } = this.#prepared!;
    const { queue } = this.#device;
    const sample = argumentName(manifest, "sample");
    const write = (name: string, data: NetworkInput["data"], offset = 0): void =>
      queue.writeBuffer(buffers.get(name)!, offset, data as BufferSource);
    const z = new Float32Array(x.length);
    write(sample, x);
    write(STEP.past, new Float32Array(2 * x.length));
    const running: Promise<unknown>[] = [];
    for (const [row, entry] of rows.entries()) {
      check();
      for (const [name, { data }] of Object.entries(
        networkInputs(manifest, { x, timestep: entry.timestep, labels }),
      )) {
        if (name !== sample) write(name, data);
      }
      write(STEP.coefficients, coefficientsOf(entry));
      if (entry.noise !== 0) {
        noise(z, row);
        write(STEP.past, z, x.byteLength);
      }
      await this.#unlessLost(session.run(feeds, fetches));
      this.#carry(sample, x.byteLength);
      const last = row === rows.length - 1;
      const image = last || wanted(row) ? await this.#read(x.length) : undefined;
      running.push(queue.onSubmittedWorkDone());
      if (running.length > AHEAD) await this.#unlessLost(running.shift()!);
      yield { row, x: image };
    }
  }

  /** The next x is the sample of the next step, and the estimate an earlier one. */
  #carry(sample: string, bytes: number): void {
    const { buffers } = this.#prepared!;
    const next = buffers.get(STEP.next)!;
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(next, 0, buffers.get(sample)!, 0, bytes);
    encoder.copyBufferToBuffer(next, bytes, buffers.get(STEP.past)!, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
  }

  /** x as it stands. */
  async #read(length: number): Promise<Float32Array> {
    const bytes = 4 * length;
    const staging = this.#buffer(bytes, MAP_READ | COPY_DST);
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#prepared!.buffers.get(STEP.next)!, 0, staging, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
      await this.#unlessLost(staging.mapAsync(MAP_READ));
      return new Float32Array(staging.getMappedRange(0, bytes).slice(0));
    } finally {
      staging.destroy();
    }
  }

  /** Work that fails because the GPU is gone may fail before the browser says so. */
  async #unlessLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#lost]);
    } catch (error) {
      await Promise.race([this.#lost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
      throw error;
    }
  }

  release(): Promise<void> {
    this.#released = true;
    const prepared = this.#prepared;
    this.#prepared = undefined;
    return drop(prepared);
  }
}

async function drop(prepared: Prepared | undefined): Promise<void> {
  if (prepared === undefined) return;
  for (const buffer of prepared.buffers.values()) buffer.destroy();
  // A session of a lost device cannot be released; it is gone.
  await prepared.session.release().catch(() => undefined);
}

/** Bytes of an element. */
function bytesOf(dtype: NetworkInput["dtype"]): number {
  return { float32: 4, float16: 2, int32: 4, int64: 8, uint8: 1, bool: 1 }[dtype];
}

/** With graph capture, which spares the processor what it does for each node of each step. */
async function gpuSession(runtime: Runtime, model: LoadedModel, batch: number): Promise<InferenceSession> {
  const { manifest } = model;
  const { channels, height, width } = manifest.image;
  const names = { sample: argumentName(manifest, "sample"), output: argumentName(manifest, "out_sample") };
  const graph = stepGraph(model.graph, names);
  const named = manifest.graphs.inference_model!.inputs.flatMap(({ shape }) => shape);
  const batches = named.filter((dim) => typeof dim === "string").map((dim) => [dim, batch]);
  return createSession(
    runtime,
    { ...model, graph },
    {
      executionProviders: [{ name: "webgpu" }],
      enableGraphCapture: true,
      freeDimensionOverrides: {
        ...Object.fromEntries(batches),
        [STEP.size]: batch * channels * height * width,
      },
    },
  );
}
