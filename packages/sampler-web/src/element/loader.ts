/** The sampler of an element: loaded once for a model, and given back. */
import { SamplerError } from "../errors.js";
import type { LoadProgress } from "../model.js";
import { type LoadOptions, Sampler } from "../sampler.js";

/** What to load. */
export interface Wanted extends Pick<LoadOptions, "device" | "runtimeUrl"> {
  readonly model: string | undefined;
}

/** Keeps a model that is loaded or being loaded. */
export class Loader {
  #promise: Promise<Sampler> | undefined;
  #controller = new AbortController();

  /** The sampler; loads it unless it is there or on its way. */
  get({ model, ...options }: Wanted, onProgress: (progress: LoadProgress) => void): Promise<Sampler> {
    this.#promise ??= this.#load(model, { ...options, onProgress });
    return this.#promise;
  }

  async #load(model: string | undefined, options: LoadOptions): Promise<Sampler> {
    const { signal } = this.#controller;
    try {
      if (model === undefined) {
        throw new SamplerError({
          code: "options",
          problem: "diffusion-sampler: found no model",
          remedy: 'give the address of a model folder, as in <diffusion-sampler model="models/digits/">',
        });
      }
      return await Sampler.load(model, { ...options, signal });
    } catch (error) {
      // The next one tries again.
      if (signal === this.#controller.signal) this.#promise = undefined;
      throw error;
    }
  }

  /** Stops what is being loaded, or gives its memory back. */
  release(): void {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#promise?.then(
      (sampler) => sampler.dispose(),
      () => undefined,
    );
    this.#promise = undefined;
  }
}
