/** Walks on WebAssembly: x stays in JavaScript, where the update's sums are taken in float64 as everywhere else. */
import { argumentName, type Manifest, networkInputs, sample } from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-web";
import type { LoadedModel } from "./model.js";
import { createSession, type Runtime } from "./runtime.js";
import type { Walk, Walker, WalkStep } from "./walker.js";

/** One session for batches of any size. */
export class CpuWalker implements Walker {
  readonly #runtime: Runtime;
  readonly #manifest: Manifest;
  readonly #session: InferenceSession;

  private constructor(runtime: Runtime, manifest: Manifest, session: InferenceSession) {
    this.#runtime = runtime;
    this.#manifest = manifest;
    this.#session = session;
  }

  static async create(runtime: Runtime, model: LoadedModel): Promise<CpuWalker> {
    const session = await createSession(runtime, model, { executionProviders: ["wasm"] });
    return new CpuWalker(runtime, model.manifest, session);
  }

  async prepare(): Promise<void> {}

  async *walk({ rows, x, labels, noise, check }: Walk): AsyncGenerator<WalkStep, void, undefined> {
    const denoise = (x: Float32Array, timestep: number) => this.#predict(x, timestep, labels);
    yield* sample({ rows, x, denoise, noise, signal: { throwIfAborted: check } });
  }

  async #predict(x: Float32Array, timestep: number, labels: readonly number[]): Promise<Float32Array> {
    const { Tensor } = this.#runtime;
    const inputs = Object.entries(networkInputs(this.#manifest, { x, timestep, labels }));
    const outputs = await this.#session.run(
      Object.fromEntries(
        inputs.map(([name, { dtype, data, dims }]) => [name, new Tensor(dtype, data, dims)]),
      ),
    );
    return outputs[argumentName(this.#manifest, "out_sample")]!.data as Float32Array;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
