/** An engine in a worker of its own. */
import { aborted, disposed, SamplerError } from "./errors.js";
import type { LoadProgress } from "./model.js";
import type {
  DrawRequest,
  Engine,
  FromWorker,
  LoadRequest,
  LoadResult,
  OnStep,
  ToWorker,
} from "./protocol.js";

interface Pending {
  /** Whether the worker has been told to wait. */
  held?: boolean;
  readonly resolve: (value: LoadResult | Float32Array<ArrayBuffer>) => void;
  readonly reject: (error: SamplerError) => void;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly onStep?: OnStep;
}

/** Speaks for a worker. Once the worker has ended, every request fails: make another. */
export class RemoteEngine implements Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #ended: SamplerError | undefined;
  #nextId = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#receive(data));
    worker.addEventListener("messageerror", () => this.#end(workerError("a message could not be read")));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      // A script that cannot be loaded has an event without a message.
      this.#end(workerError(event.message || "its script could not be loaded"));
    });
  }

  load(
    request: LoadRequest,
    signal: AbortSignal | undefined,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<LoadResult> {
    return this.#ask({ type: "load", request }, signal, { onProgress }) as Promise<LoadResult>;
  }

  draw(
    request: DrawRequest,
    signal: AbortSignal | undefined,
    onStep: OnStep,
  ): Promise<Float32Array<ArrayBuffer>> {
    return this.#ask({ type: "draw", request }, signal, { onStep }) as Promise<Float32Array<ArrayBuffer>>;
  }

  #ask(
    question: { type: "load"; request: LoadRequest } | { type: "draw"; request: DrawRequest },
    signal: AbortSignal | undefined,
    listeners: Pick<Pending, "onProgress" | "onStep">,
  ): Promise<LoadResult | Float32Array<ArrayBuffer>> {
    const id = this.#nextId++;
    return new Promise<LoadResult | Float32Array<ArrayBuffer>>((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      if (signal?.aborted) return reject(aborted(signal.reason));
      const stop = (): void => {
        // The caller need not wait until the worker has time to read this.
        this.#send({ type: "abort", id });
        this.#pending.delete(id);
        reject(aborted(signal?.reason));
      };
      signal?.addEventListener("abort", stop, { once: true });
      const forget = (): void => signal?.removeEventListener("abort", stop);
      this.#pending.set(id, {
        ...listeners,
        resolve: (value) => {
          forget();
          resolve(value);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      });
      this.#send({ ...question, id });
    });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  get failure(): SamplerError | undefined {
    return this.#ended;
  }

  #receive(message: FromWorker): void {
    if (message.type === "ended") {
      this.#end(new SamplerError(message.error));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === "progress") pending.onProgress?.(message.value);
    else if (message.type === "step") {
      const { id } = message;
      const held = pending.onStep?.(message.value);
      if (held === undefined || pending.held) return;
      pending.held = true;
      this.#send({ type: "hold", id });
      void held.then(() => {
        pending.held = false;
        if (this.#pending.has(id)) this.#send({ type: "go", id });
      });
    } else {
      this.#pending.delete(message.id);
      if (message.type === "done") pending.resolve(message.value);
      else pending.reject(new SamplerError(message.error));
    }
  }

  #end(error: SamplerError): void {
    this.#ended ??= error;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }

  async dispose(): Promise<void> {
    this.#end(disposed());
  }
}

function workerError(reason: string): SamplerError {
  return new SamplerError({
    code: "worker",
    problem: `the sampler's worker ended: ${reason}`,
    remedy:
      "sample again, which starts another; or load with worker: false if this page may not start workers",
  });
}
