/** Asks the picture thread for drawings: at most one at a time, of the newest export. */

import type { Manifest } from "@onnx-diffusion/diffusion";
import type { Grid } from "./grid.js";
import type { RunFolder } from "./run-folder.js";
import { startThread, type Thread } from "./thread.js";
import type {
  Failure,
  PictureCommand,
  PictureReport,
  PictureWorkerData,
  RealImages,
} from "./workers/messages.js";

export interface Painter {
  /** Draws quickly and with one thread, beside the training. Skipped while another drawing is under way. */
  preview(): void;
  /** Draws with the full chain of the sampler and all threads. Resolves when it is done. */
  finish(threads: number): Promise<void>;
  /** Gives up what is being drawn and ends the thread. */
  cancel(): void;
  readonly ended: Promise<void>;
}

export interface PainterOptions {
  readonly run: RunFolder;
  readonly seed: number;
  readonly grid: Grid;
  readonly classNames: readonly string[];
  readonly real: RealImages;
  readonly manifest: Manifest;
  readonly onEvent: (event: PainterEvent) => void;
}

type PainterEvent = Exclude<PictureReport, Failure>;

/** Evaluations of a preview: a second or two of one core, which training lacks meanwhile. */
const PREVIEW_STEPS = 25;

export function createPainter(options: PainterOptions): Painter {
  const { run, seed, grid, classNames, real, onEvent } = options;
  const { T } = options.manifest.schedule;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  let idle: (() => void) | undefined;
  let busy: Promise<void> | undefined;
  let thread: Thread<PictureCommand> | undefined;
  let cancelled = false;

  const done = () => {
    busy = undefined;
    idle?.();
  };
  const start = (): Thread<PictureCommand> => {
    const workerData: PictureWorkerData = { run, seed, ...grid, classNames, real, stop };
    return startThread<PictureCommand, PainterEvent>({
      file: "picture-worker.js",
      workerData,
      ports: [],
      onReport(report) {
        if (report.type !== "drawing") done();
        onEvent(report);
      },
      onFailure: (error) => onEvent({ type: "notDrawn", reason: error.message }),
    });
  };
  const draw = (command: Extract<PictureCommand, { type: "draw" }>) => {
    if (cancelled) return;
    thread ??= start();
    busy = new Promise((resolve) => {
      idle = resolve;
    });
    thread.post(command);
    void thread.ended.then(done);
  };

  return {
    preview() {
      if (busy === undefined) {
        draw({ type: "draw", sampler: "ddim", steps: Math.min(PREVIEW_STEPS, T), threads: 1 });
      }
    },
    async finish(threads) {
      await busy;
      draw({ type: "draw", sampler: "ddpm", steps: T, threads });
      await busy;
    },
    cancel() {
      cancelled = true;
      Atomics.store(stop, 0, 1);
      thread?.post({ type: "stop" });
    },
    get ended() {
      return thread?.ended ?? Promise.resolve();
    },
  };
}
