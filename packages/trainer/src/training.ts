/** Training itself, as the training worker does it: steps, losses, checkpoints and exports, one after the other. */

import { type TrainingRecord, UserError } from "@onnx-diffusion/diffusion";
import type { ModelFolder } from "./artifacts.js";
import { encodeCheckpoint } from "./checkpoint.js";
import { saveCheckpoint } from "./checkpoints.js";
import type { ChunkSource } from "./chunk-source.js";
import type { Configuration } from "./configuration.js";
import { exportModel } from "./export.js";
import { appendMetrics, flushMetrics, type Metric, smooth } from "./metrics.js";
import type { RunFolder } from "./run-folder.js";
import { firstNotFinite, type State } from "./state.js";
import type { Stepper } from "./stepper.js";
import type { TrainingReport } from "./workers/messages.js";

export interface TrainingOptions {
  readonly model: ModelFolder;
  readonly run: RunFolder;
  readonly configuration: Configuration;
  readonly device: string;
  readonly stepper: Stepper;
  readonly source: ChunkSource;
  /** Steps already taken, and the smoothed loss after them. */
  readonly from: number;
  readonly smoothed: number | undefined;
  readonly to: number;
  readonly saveEvery: number;
  /** 0: never. */
  readonly sampleEvery: number;
  readonly keep: number;
  /** Asked between chunks. */
  readonly stopped: () => boolean;
}

/**
 * Trains from step `from` to step `to`, or until it is stopped, and saves at the end in both cases. Chunks end where
 * something is to be saved.
 *
 * @throws UserError if a loss or the state is no longer finite, or a file cannot be written; the checkpoints and the
 *   export of former steps are kept.
 */
export async function* runTraining(
  options: TrainingOptions,
): AsyncGenerator<TrainingReport, void, undefined> {
  const { run, configuration, stepper, source, from, to, saveEvery, sampleEvery } = options;
  let step = from;
  let smoothed = options.smoothed;
  let saved = from;

  const record = (): TrainingRecord => ({
    data: configuration.data,
    dataDigest: configuration.dataDigest,
    steps: step,
    batch: configuration.batch,
    learningRate: configuration.learningRate,
    ...rateSchedule(configuration, to),
    seed: configuration.seed,
    loss: smoothed!,
    device: options.device,
  });
  const finiteState = (): State => {
    const broken = firstNotFinite(stepper.state);
    if (broken === undefined) return stepper.state;
    throw notFinite(`"${broken}" holds a value that is not finite after`, step);
  };
  const save = async (): Promise<TrainingReport> => {
    const state = finiteState();
    // The checkpoint promises that the lines up to its step are there.
    flushMetrics(run.metrics);
    const bytes = encodeCheckpoint(options.model.manifest, {
      step,
      smoothed: smoothed!,
      configuration,
      state,
    });
    const path = saveCheckpoint(run.checkpoints, step, bytes, options.keep);
    saved = step;
    await exportModel(options.model, run.model, state, record());
    return { type: "saved", step, path };
  };

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
      if (step === to || step % saveEvery === 0) yield await save();
      else if (sampleEvery > 0 && step % sampleEvery === 0) {
        await exportModel(options.model, run.model, finiteState(), record());
        yield { type: "exported", step };
      }
    }
    if (step > saved) yield await save();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const kept = saved === 0 ? "nothing was saved before" : `the checkpoint of step ${saved} is kept`;
    throw new UserError(`${error.message}; ${kept}`, { cause: error });
  }
  yield { type: "ended", step, saved };
}

/** What the record says of a rate that changes. */
function rateSchedule(
  { lrScheduler = "constant", lrWarmupSteps: warmupSteps = 0 }: Configuration,
  steps: number,
): Pick<TrainingRecord, "learningRateSchedule"> {
  if (lrScheduler === "constant" && warmupSteps === 0) return {};
  return { learningRateSchedule: { kind: lrScheduler, warmupSteps, steps } };
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

function notFinite(what: string, step: number): UserError {
  return new UserError(
    `training stopped: ${what} step ${step}; start a new run with a smaller --lr, or another --seed`,
  );
}
