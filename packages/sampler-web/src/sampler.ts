/** A model in a page. */
import type { Manifest } from "@onnx-diffusion/diffusion";
import type { Device, DeviceChoice } from "./device.js";
import { LocalEngine } from "./engine.js";
import { aborted, asSamplerError, checkAborted, disposed, SamplerError } from "./errors.js";
import { Images } from "./images.js";
import type { LoadProgress } from "./model.js";
import { isAddress, modelSource } from "./model-source.js";
import type { DrawRequest, Engine, LoadRequest, LoadResult, OnStep } from "./protocol.js";
import { RemoteEngine } from "./remote-engine.js";
import { drawRequest, type SampleOptions } from "./request.js";
import { Sampling } from "./sampling.js";

/** How a model is loaded. */
export interface LoadOptions {
  /** Default: `auto`. */
  readonly device?: Device;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Called as bytes come, in order. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Whether the work happens in a worker, which keeps the page free. Default: true. */
  readonly worker?: boolean;
  /**
   * Address of a folder with ONNX Runtime's own files. Not needed where a bundler has put them, nor with the build for
   * script tags.
   */
  readonly runtimeUrl?: string | URL;
}

/** Errors after which the engine is of no more use; the next drawing makes another. */
const FATAL: ReadonlySet<string> = new Set(["worker", "device-lost", "out-of-memory"]);

/**
 * A diffusion model, loaded and ready to draw.
 *
 * ```ts
 * const sampler = await Sampler.load("models/digits/");
 * const images = await sampler.sample({ labels: [3, 1, 4], seed: 7 });
 * canvas.getContext("2d").putImageData(images.imageData(0), 0, 0);
 * ```
 */
export class Sampler {
  readonly #request: LoadRequest;
  readonly #useWorker: boolean;
  #engine: Engine | undefined;
  #result: LoadResult;
  #disposed = false;
  /** Drawings wait for each other: a device does one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(request: LoadRequest, useWorker: boolean, engine: Engine, result: LoadResult) {
    this.#request = request;
    this.#useWorker = useWorker;
    this.#engine = engine;
    this.#result = result;
  }

  /**
   * Loads a model, checks its files against the manifest's digests, and keeps them for the next visit.
   *
   * @param model address of an exported model folder (or of its manifest), or a folder that the visitor has opened.
   * @throws SamplerError whose `code` says what is wrong, and whose `remedy` what to do.
   */
  static async load(
    model: string | URL | FileSystemDirectoryHandle,
    options: LoadOptions = {},
  ): Promise<Sampler> {
    const { device = "auto", signal, onProgress = () => undefined, worker = true, runtimeUrl } = options;
    checkAborted(signal);
    const source = modelSource(model);
    const request: LoadRequest = {
      source: isAddress(source) ? source.href : source,
      device,
      runtimeUrl: runtimeUrl === undefined ? undefined : new URL(runtimeUrl, location.href).href,
    };
    const { engine, result } = await start(request, worker, signal, onProgress);
    return new Sampler(request, worker, engine, result);
  }

  /** What the model is: its image size, classes, schedule, and what it was trained with. */
  get manifest(): Manifest {
    return this.#result.manifest;
  }

  /** Where the network runs, and why there. */
  get device(): DeviceChoice {
    return this.#result.choice;
  }

  /**
   * Draws images.
   *
   * ```ts
   * for await (const { step, steps, images } of sampler.sample({ count: 10, previews: true })) show(images, step / steps);
   * ```
   *
   * @throws SamplerError `options` or `labels`, at once, if something asked for is out of range. What happens later
   *   rejects.
   */
  sample(options: SampleOptions = {}): Sampling {
    if (this.#disposed) throw disposed();
    const request = drawRequest(options, this.manifest);
    return new Sampling(async (signal, onBegin, onStep) => {
      const before = this.#last;
      const drawn = (async () => {
        await Promise.race([before, rejection(signal)]);
        onBegin();
        return this.#draw(request, signal, ({ step, steps, x }) =>
          onStep(x ? { step, steps, images: this.#images(x) } : { step, steps }),
        );
      })();
      this.#last = Promise.allSettled([before, drawn]);
      return this.#images(await drawn);
    }, options.signal);
  }

  #images(x: Float32Array<ArrayBuffer>): Images {
    return new Images(x, this.manifest.image);
  }

  async #draw(request: DrawRequest, signal: AbortSignal, onStep: OnStep): Promise<Float32Array<ArrayBuffer>> {
    if (this.#disposed) throw disposed();
    // What was lost between two drawings is no concern of the second.
    if (this.#engine?.failure !== undefined) await this.#drop();
    if (this.#engine === undefined) {
      const started = await start(this.#request, this.#useWorker, signal, () => undefined);
      this.#engine = started.engine;
      this.#result = started.result;
    }
    const engine = this.#engine;
    try {
      return await engine.draw(request, signal, onStep);
    } catch (error) {
      const known = asSamplerError(error, "sampling");
      if (FATAL.has(known.code)) await this.#drop();
      throw known;
    }
  }

  async #drop(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.dispose();
  }

  /** Ends what is being drawn and gives the memory back. The sampler is of no use afterwards. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#drop();
  }
}

/** Never resolves; rejects when the signal says so. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(aborted(signal.reason));
    signal.addEventListener("abort", () => reject(aborted(signal.reason)), { once: true });
  });
}

async function start(
  request: LoadRequest,
  useWorker: boolean,
  signal: AbortSignal | undefined,
  onProgress: (progress: LoadProgress) => void,
): Promise<{ engine: Engine; result: LoadResult }> {
  const engine = useWorker ? new RemoteEngine(startWorker()) : new LocalEngine();
  try {
    return { engine, result: await engine.load(request, signal, onProgress) };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

function startWorker(): Worker {
  try {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "diffusion-sampler" });
  } catch (cause) {
    // Of another origin, or forbidden by the page's policy.
    throw new SamplerError(
      {
        code: "worker",
        problem: `the browser does not start the sampler's worker (${cause instanceof Error ? cause.message : cause})`,
        remedy:
          "serve the library from the page's own site and allow worker-src 'self', or load with worker: false",
      },
      cause,
    );
  }
}
