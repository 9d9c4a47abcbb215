/** The model that draws on the page, and what is measured of it. */
import { PRACTICAL_SCHEDULE, type Schedule, scheduleOf } from "@onnx-diffusion/diffusion";
import {
  type Images,
  type SampleOptions,
  Sampler,
  SamplerError,
  type SampleStep,
} from "@onnx-diffusion/sampler-web";
import { MANNERS, type Manner, type ModelName } from "./manner.js";

/** Loads models and draws with the one that was chosen last. */
export class Studio {
  /** Of the model, once it is there; the models that the page knows have the practical's. */
  schedule: Schedule = scheduleOf(PRACTICAL_SCHEDULE);
  /** Of the model, once it is there. */
  manner: Manner = MANNERS["unet-time"];
  /** Called when another model is to be drawn with. */
  readonly onModel: ((sampler: Sampler) => void)[] = [];
  /** Called with evaluations of the network per second. */
  onSpeed: (stepsPerSecond: number, sampler: Sampler) => void = () => undefined;
  #sampler: Promise<Sampler> = new Promise(() => undefined);
  #choice = 0;

  /** Loads a model. @throws SamplerError if it cannot be. */
  async choose(name: ModelName, onProgress: (loaded: number, total: number) => void): Promise<void> {
    const choice = ++this.#choice;
    const before = this.#sampler;
    const loading = Sampler.load(`models/${name}/`, {
      onProgress: ({ loaded, total }) => choice === this.#choice && onProgress(loaded, total),
    });
    try {
      const sampler = await loading;
      if (choice !== this.#choice) return void sampler.dispose();
      this.#sampler = loading;
      this.schedule = scheduleOf(sampler.manifest.schedule);
      this.manner = MANNERS[name];
      for (const tell of this.onModel) {
        tell(sampler);
        // Drawings wait for each other, so what was told first, which is higher on the page, is to ask first.
        await new Promise((resolve) => setTimeout(resolve));
      }
      void Promise.race([before, undefined]).then((old) => old?.dispose());
    } catch (error) {
      // Whoever chose another one meanwhile is not told of this.
      if (choice === this.#choice) throw error;
    }
  }

  /** Draws, with previews; waits for the model if need be. */
  async draw(
    options: SampleOptions & { readonly signal: AbortSignal },
    onStep: (step: SampleStep & { readonly images: Images }) => void,
  ): Promise<Images> {
    const sampler = await this.#sampler;
    const sampling = sampler.sample({ ...options, previews: true });
    let [first, last, steps] = [0, 0, 0];
    for await (const step of sampling) {
      last = performance.now();
      if (first === 0) first = last;
      steps = step.step;
      onStep(step as SampleStep & { images: Images });
    }
    if (steps > 1) this.onSpeed(((steps - 1) / (last - first)) * 1000, sampler);
    return sampling;
  }
}

/** Does the newest of its works; the one before is stopped. */
export class Newest {
  #controller = new AbortController();

  /** Errors but those of being stopped are told to the console and to `onError`. */
  run(work: (signal: AbortSignal) => Promise<void>, onError: (message: string) => void): void {
    this.#controller.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    work(signal).catch((error: unknown) => {
      if (signal.aborted || (error instanceof SamplerError && error.code === "disposed")) return;
      onError(error instanceof Error ? error.message : String(error));
    });
  }
}
