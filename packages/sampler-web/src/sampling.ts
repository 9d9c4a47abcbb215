/** One drawing under way: its steps to loop over, and its images to wait for. */
import { Gate } from "./gate.js";
import type { Images } from "./images.js";
import { Stopwatch } from "./stopwatch.js";

/** The state after an evaluation of the network. */
export interface SampleStep {
  /** Evaluations of the network done, 1..steps; Heun has two in a step of its own. */
  readonly step: number;
  readonly steps: number;
  /** The images as they stand, if `previews` were asked for. */
  readonly images?: Images;
}

/** What does the work: it tells its beginning and each step, waits where that gives a promise, and gives the images. */
export type DrawWork = (
  signal: AbortSignal,
  onBegin: () => void,
  onStep: (step: SampleStep) => undefined | Promise<void>,
) => Promise<Images>;

/**
 * Images being drawn. Await it for the images; loop over it for the steps, and leave the loop to stop the work.
 *
 * The work begins at once and never waits for the loop: a slow one gets its steps later, none is left out.
 */
export class Sampling implements PromiseLike<Images>, AsyncIterable<SampleStep> {
  readonly #result: Promise<Images>;
  readonly #controller = new AbortController();
  /** Steps that the loop has not seen; kept only once there is a loop. */
  #queue: SampleStep[] | undefined;
  readonly #gate = new Gate();
  readonly #stopwatch = new Stopwatch();
  #begun = false;
  #settled = false;
  #wake: (() => void) | undefined;

  constructor(work: DrawWork, signal: AbortSignal | undefined) {
    const both = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal;
    const begin = (): void => {
      this.#begun = true;
      if (this.#gate.passage === undefined) this.#stopwatch.start();
    };
    this.#result = work(both, begin, (step) => {
      this.#queue?.push(step);
      this.#wake?.();
      return this.#gate.passage;
    });
    both.addEventListener("abort", () => this.#gate.open(), { once: true });
    const settle = (): void => {
      this.#settled = true;
      this.#stopwatch.stop();
      this.#wake?.();
    };
    // Also keeps the browser from reporting an error that whoever waits for the images is told.
    this.#result.then(settle, settle);
  }

  /** Resolves to the images; rejects with a SamplerError. */
  // biome-ignore lint/suspicious/noThenProperty: waiting for the drawing is waiting for its images.
  then<Done = Images, Failed = never>(
    onDone?: ((images: Images) => Done | PromiseLike<Done>) | null,
    onFailed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    return this.#result.then(onDone, onFailed);
  }

  /** Holds the work up, within a step or two; other drawings of the sampler wait too. Stopping it still works. */
  pause(): void {
    if (this.#settled) return;
    this.#gate.close();
    this.#stopwatch.stop();
  }

  /** Goes on where `pause` held the work up. */
  resume(): void {
    this.#gate.open();
    if (this.#begun && !this.#settled) this.#stopwatch.start();
  }

  /** What the work has taken so far, without pauses and without waiting for drawings that were asked for before. */
  get seconds(): number {
    return this.#stopwatch.seconds;
  }

  /** The steps from here on. Throws what the drawing fails with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SampleStep, void, undefined> {
    this.#queue ??= [];
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next !== undefined) yield next;
        else if (this.#settled) break;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      await this.#result;
    } finally {
      if (!this.#settled) this.#controller.abort();
    }
  }
}
