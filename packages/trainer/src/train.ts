/** A run of training as a sequence of events; the threads behind it are started and ended here. */

import { availableParallelism } from "node:os";
import { MessageChannel } from "node:worker_threads";
import { UserError } from "@onnx-diffusion/diffusion";
import { checkGraphs, graphPath, type ModelFolder, readModelFolder } from "./artifacts.js";
import { listCheckpoints } from "./checkpoints.js";
import { configurationOf } from "./configuration.js";
import type { DeviceChoice } from "./device-names.js";
import { eventQueue } from "./event-queue.js";
import { makeFolder } from "./files.js";
import { classGrid } from "./grid.js";
import { readInitialWeights } from "./initial-weights.js";
import type { LrScheduler } from "./learning-rate.js";
import { takeLock } from "./lock.js";
import { createPainter, type Painter } from "./painter.js";
import { type RunFolder, runFolder } from "./run-folder.js";
import { hasRateOfEachStep } from "./stepper.js";
import { startThread } from "./thread.js";
import type {
  BatchCommand,
  BatchReport,
  BatchWorkerData,
  Failure,
  PictureReport,
  TrainingCommand,
  TrainingReport,
  TrainingWorkerData,
} from "./workers/messages.js";

export interface TrainOptions {
  readonly artifacts: string;
  /** The step to train to, counted from the first step of the run. */
  readonly steps: number;
  readonly data: string;
  readonly dataDir?: string | undefined;
  readonly batch: number;
  readonly learningRate: number;
  /** How the rate falls from there to the last step. */
  readonly lrScheduler: LrScheduler;
  /** Steps in which the rate rises from 0. */
  readonly lrWarmupSteps: number;
  readonly seed: number;
  readonly device: DeviceChoice;
  /** Undefined: all cores. */
  readonly threads?: number | undefined;
  /** The run folder. */
  readonly out: string;
  readonly saveEvery: number;
  /** 0: never. */
  readonly sampleEvery: number;
  readonly keep: number;
  /** A safetensors file with the weights to begin with. Undefined: random ones. */
  readonly init?: string | undefined;
  readonly resume: boolean;
}

export type TrainEvent = Exclude<BatchReport | TrainingReport | PictureReport, Failure>;

/** Rows of the sample grid. */
const GRID_ROWS = 2;

/**
 * Trains. Yields what happens; when the signal is aborted, it ends the running chunk, saves, and ends with the event
 * `ended` like any other run.
 *
 * @throws UserError for every mistake that the user can mend.
 */
export async function* train(
  options: TrainOptions,
  signal: AbortSignal,
): AsyncGenerator<TrainEvent, void, undefined> {
  const model = readModelFolder(options.artifacts, "--artifacts");
  graphPath(model, options.device === "webgpu" ? "training_step" : "training_loop");
  graphPath(model, "inference_model");
  checkGraphs(model);
  checkRates(options, model);
  const init = options.init === undefined ? undefined : readInitialWeights(options.init, model.manifest);
  const run = runFolder(options.out);
  makeFolder(run.root);
  const lock = takeLock(run.root);
  try {
    checkFresh(run, options.resume);
    yield* runThreads();
  } finally {
    lock.release();
  }

  async function* runThreads(): AsyncGenerator<TrainEvent, void, undefined> {
    const { manifest } = model;
    const { seed, batch, data, dataDir } = options;
    const threads = options.threads ?? availableParallelism();
    const events = eventQueue<TrainEvent>();
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const { port1, port2 } = new MessageChannel();
    const grid = classGrid(manifest.classes, GRID_ROWS);
    let painter: Painter | undefined;

    const batchData: BatchWorkerData = { manifest, data, dataDir, seed, batch, wanted: grid, port: port1 };
    const batches = startThread<BatchCommand, Exclude<BatchReport, Failure>>({
      file: "batch-worker.js",
      workerData: batchData,
      ports: [port1],
      onFailure: fail,
      onReport(report) {
        events.push(report);
        if (report.type !== "data") return;
        const { digest, classNames, real } = report;
        const named = grid.labels.length > 0 ? classNames : [];
        painter = createPainter({ run, seed, grid, classNames: named, real, manifest, onEvent: events.push });
        const { learningRate, lrScheduler, lrWarmupSteps } = options;
        const configuration = configurationOf(manifest, {
          data,
          dataDigest: digest,
          batch,
          learningRate,
          lrScheduler,
          lrWarmupSteps,
          seed,
          init: init?.digest,
        });
        training.post({ type: "begin", configuration });
      },
    });
    const { device, resume, steps, saveEvery, sampleEvery, keep } = options;
    const trainingData: TrainingWorkerData = {
      ...{ model, device, threads, run, resume, steps, saveEvery, sampleEvery, keep, stop, port: port2 },
      weights: init?.values,
    };
    const training = startThread<TrainingCommand, Exclude<TrainingReport, Failure>>({
      file: "training-worker.js",
      workerData: trainingData,
      ports: [port2],
      onFailure: fail,
      onReport(report) {
        if (report.type === "saved" || report.type === "exported") {
          // the last drawing of a run is asked for below, with all threads
          const due = sampleEvery > 0 && report.step % sampleEvery === 0 && report.step < steps;
          if (due && stop[0] === 0) painter?.preview();
        }
        events.push(report);
      },
    });

    let failure: Error | undefined;
    function fail(error: Error): void {
      failure ??= error;
      halt();
    }
    function halt(): void {
      Atomics.store(stop, 0, 1);
      batches.post({ type: "stop" });
      training.post({ type: "stop" });
      painter?.cancel();
    }
    signal.addEventListener("abort", halt, { once: true });
    if (signal.aborted) halt();

    void Promise.all([batches.ended, training.ended])
      .then(async () => {
        if (stop[0] === 0 && sampleEvery > 0) await painter?.finish(threads);
        painter?.cancel();
        await painter?.ended;
      })
      .finally(() => events.end(failure));
    try {
      yield* events;
    } finally {
      signal.removeEventListener("abort", halt);
      halt();
      await Promise.all([batches.ended, training.ended, painter?.ended]);
    }
  }
}

/** A loop that was emitted before rates could change takes one for all its steps. */
function checkRates(
  { lrScheduler, lrWarmupSteps, device }: TrainOptions,
  { folder, manifest }: ModelFolder,
): void {
  const changes = lrScheduler !== "constant" || lrWarmupSteps > 0;
  if (!changes || device === "webgpu" || hasRateOfEachStep(manifest)) return;
  throw new UserError(
    `${folder}: its training_loop takes one learning rate for all steps of a run, but --lr-scheduler and ` +
      "--lr-warmup-steps change it from step to step; leave them out, or emit the folder anew with graph-builder emit",
  );
}

/** A folder with checkpoints is continued only when that is asked for, and only then. */
function checkFresh(run: RunFolder, resume: boolean): void {
  const newest = listCheckpoints(run.checkpoints).at(-1);
  if (resume && newest === undefined) {
    throw new UserError(
      `--resume: there is no checkpoint in ${run.checkpoints}; start the run without --resume`,
    );
  }
  if (!resume && newest !== undefined) {
    throw new UserError(
      `${run.root}: there is a run here, saved at step ${newest.step}; ` +
        "go on with it by --resume, or start a new one with another --out",
    );
  }
}
