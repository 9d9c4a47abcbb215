/** Training itself, as the training worker does it: steps and losses one after the other, beside them what is saved. */

import { setImmediate } from "node:timers/promises";
import { UserError } from "@onnx-diffusion/diffusion";
import type { ChunkSource } from "./chunk-source.js";
import { appendMetrics, type Metric, smooth } from "./metrics.js";
import type { RunFolder } from "./run-folder.js";
import { notFinite, type Outcome, type Snapshot } from "./saving.js";
import type { Stepper } from "./stepper.js";
import type { TrainingReport } from "./workers/messages.js";

export interface TrainingOptions {
  readonly run: RunFolder;
  readonly stepper: Stepper;
  readonly source: ChunkSource;
  /** Steps already taken, and the smoothed loss after them. */
  readonly from: number;
  readonly smoothed: number | undefined;
  readonly to: number;
  readonly saveEvery: number;
  /** 0: never. */
  readonly sampleEvery: number;
  /** Begins to save, and has read the snapshot when it returns. Called again when that is done. Never rejects. */
  readonly save: (snapshot: Snapshot) => Promise<Outcome>;
  /** Asked between chunks. */
  readonly stopped: () => boolean;
}

/** A snapshot on its way to the disk. */
interface Saving {
  readonly step: number;
  readonly done: Promise<void>;
  outcome: Outcome | undefined;
}

/**
 * Trains from step `from` to step `to`, or until it is stopped, and saves at the end in both cases. Chunks end where
 * something is to be saved. Steps are taken meanwhile; the next save waits for
 * the one before, and so does the end.
 *
 * @throws UserError if a loss or the state is no longer finite, or a file cannot be written; the checkpoints and the
 *   export of former steps are kept.
 */
export async function* runTraining(
  options: TrainingOptions,
): AsyncGenerator<TrainingReport, void, undefined> {
  const { run, stepper, source, from, to, saveEvery, sampleEvery } = options;
  let step = from;
  let smoothed = options.smoothed;
  /** The last step of which there is a checkpoint. */
  let saved = from;
  let saving: Saving | undefined;

  /** Tells what became of the last snapshot, if that is known. @throws what saving failed with. */
  function* told(): Generator<TrainingReport, void, undefined> {
    if (saving?.outcome === undefined) return;
    const { step: of, outcome } = saving;
    saving = undefined;
    if (outcome.path !== undefined) saved = of;
    if (outcome.error !== undefined) throw outcome.error;
    yield outcome.path === undefined
      ? { type: "exported", step: of }
      : { type: "saved", step: of, path: outcome.path };
  }
  async function* finished(): AsyncGenerator<TrainingReport, void, undefined> {
    await saving?.done;
    yield* told();
  }
  async function* save(checkpoint: boolean): AsyncGenerator<TrainingReport, void, undefined> {
    yield* finished();
    const done = options
      .save({ step, smoothed: smoothed!, state: stepper.state, checkpoint })
      .then((outcome) => {
        current.outcome = outcome;
      });
    const current: Saving = { step, done, outcome: undefined };
    saving = current;
  }

  try {
    while (step < to && !options.stopped()) {
      const chunk = await source.next();
      if (chunk === undefined || options.stopped()) break;
      if (chunk.first !== step + 1) throw new Error(`chunk of step ${chunk.first} came after step ${step}`);
      const begun = performance.now();
      const losses = await stepper.run(chunk);
      const seconds = (performance.now() - begun) / 1000;
      const metrics = metricsOf(losses, step, smoothed);
      appendMetrics(run.metrics, metrics);
      if (metrics.length < losses.length) {
        throw notFinite(`the loss is ${losses[metrics.length]} at`, step + metrics.length + 1);
      }
      step += chunk.steps;
      smoothed = metrics.at(-1)!.smoothed;
      yield {
        type: "steps",
        first: chunk.first,
        losses,
        smoothed: metrics.map((metric) => metric.smoothed),
        seconds,
      };
      // what the saving thread said during the run is heard in the next turn of the event loop
      await setImmediate();
      yield* told();
      if (step === to || step % saveEvery === 0) yield* save(true);
      else if (sampleEvery > 0 && step % sampleEvery === 0) yield* save(false);
    }
    yield* finished();
    if (step > saved) {
      yield* save(true);
      yield* finished();
    }
  } catch (last) {
    let error = last;
    try {
      yield* finished();
    } catch (earlier) {
      error = earlier;
    }
    if (!(error instanceof UserError)) throw error;
    const kept = saved === 0 ? "nothing was saved before" : `the checkpoint of step ${saved} is kept`;
    throw new UserError(`${error.message}; ${kept}`, { cause: error });
  }
  yield { type: "ended", step, saved };
}

/** One line a step, up to the first loss that is not finite. */
function metricsOf(losses: Float32Array, step: number, before: number | undefined): Metric[] {
  const metrics: Metric[] = [];
  const time = new Date().toISOString();
  let smoothed = before;
  for (const loss of losses) {
    if (!Number.isFinite(loss)) break;
    smoothed = smooth(smoothed, loss);
    metrics.push({ step: step + metrics.length + 1, loss, smoothed, time });
  }
  return metrics;
}
