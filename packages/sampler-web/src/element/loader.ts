/** The samplers of the elements on a page: each model is loaded once for all that draw with it, and given back after the last. */
import { SamplerError } from "../errors.js";
import type { LoadProgress } from "../model.js";
import { modelSource } from "../model-source.js";
import { type LoadOptions, Sampler } from "../sampler.js";

/** What to load. */
export interface Wanted extends Pick<LoadOptions, "device" | "runtimeUrl"> {
  readonly model: string | undefined;
}

type OnProgress = (progress: LoadProgress) => void;

/** A sampler, loaded or on its way, and the loaders that hold it. */
interface Shared {
  readonly key: string;
  readonly promise: Promise<Sampler>;
  readonly controller: AbortController;
  readonly holders: Map<Loader, OnProgress>;
  progress: LoadProgress | undefined;
}

/** By what tells one from another. */
const all = new Map<string, Shared>();

/** One element's hold on a sampler. */
export class Loader {
  readonly #onShared: () => void;
  #shared: Shared | undefined;

  /** @param onShared told when another element comes to draw with the same sampler. */
  constructor(onShared: () => void) {
    this.#onShared = onShared;
  }

  /** Whether other elements draw with the same sampler. */
  get isShared(): boolean {
    return this.#shared !== undefined && this.#shared.holders.size > 1;
  }

  /** The sampler; loads it unless it is there or on its way, here or for another element. */
  async get(wanted: Wanted, onProgress: OnProgress): Promise<Sampler> {
    this.#shared ??= this.#join(wanted, onProgress);
    const shared = this.#shared;
    try {
      return await shared.promise;
    } catch (error) {
      // The next one tries again.
      if (this.#shared === shared) this.release();
      throw error;
    }
  }

  #join(wanted: Wanted, onProgress: OnProgress): Shared {
    const key = keyOf(wanted);
    const shared = all.get(key) ?? begin(key, wanted);
    for (const other of shared.holders.keys()) other.#onShared();
    shared.holders.set(this, onProgress);
    if (shared.progress !== undefined) onProgress(shared.progress);
    return shared;
  }

  /** Lets go of the sampler; with the last hold, stops what is being loaded, or gives its memory back. */
  release(): void {
    const shared = this.#shared;
    this.#shared = undefined;
    shared?.holders.delete(this);
    if (shared?.holders.size !== 0) return;
    forget(shared);
    shared.controller.abort();
    shared.promise.then(
      (sampler) => sampler.dispose(),
      () => undefined,
    );
  }
}

/** The same for two elements that can share. */
function keyOf({ model, device = "auto", runtimeUrl }: Wanted): string {
  if (model === undefined) {
    throw new SamplerError({
      code: "options",
      problem: "diffusion-sampler: found no model",
      remedy: 'give the address of a model folder, as in <diffusion-sampler model="models/digits/">',
    });
  }
  const runtime = runtimeUrl === undefined ? "" : new URL(runtimeUrl, location.href).href;
  return [modelSource(model).href, device, runtime].join(" ");
}

function begin(key: string, { model, ...options }: Wanted): Shared {
  const controller = new AbortController();
  const holders = new Map<Loader, OnProgress>();
  const onProgress = (progress: LoadProgress): void => {
    shared.progress = progress;
    for (const tell of holders.values()) tell(progress);
  };
  const { signal } = controller;
  const promise = Sampler.load(model!, { ...options, signal, onProgress });
  const shared: Shared = { key, promise, controller, holders, progress: undefined };
  all.set(key, shared);
  // Whoever comes after a failure begins anew.
  promise.catch(() => forget(shared));
  return shared;
}

function forget(shared: Shared): void {
  if (all.get(shared.key) === shared) all.delete(shared.key);
}
