/** What a run keeps of a step: a checkpoint to go on from, and the export. */

import { type TrainingRecord, UserError } from "@onnx-diffusion/diffusion";
import type { ModelFolder } from "./artifacts.js";
import { encodeCheckpoint } from "./checkpoint.js";
import { saveCheckpoint } from "./checkpoints.js";
import type { Configuration } from "./configuration.js";
import { exportModel } from "./export.js";
import { flushMetrics } from "./metrics.js";
import type { RunFolder } from "./run-folder.js";
import { firstNotFinite, type State } from "./state.js";

export interface SavingOptions {
  readonly model: ModelFolder;
  readonly run: RunFolder;
  readonly configuration: Configuration;
  readonly device: string;
  /** The step to which the run goes. */
  readonly to: number;
  /** Checkpoints that stay. */
  readonly keep: number;
}

/** The run after a step. */
export interface Snapshot {
  readonly step: number;
  readonly smoothed: number;
  readonly state: State;
  /** Whether there is to be a checkpoint, or the export alone. */
  readonly checkpoint: boolean;
}

/** What became of a snapshot. */
export interface Outcome {
  /** The checkpoint's path, once it is whole, even if the export failed after it. */
  readonly path: string | undefined;
  /** What saving failed with. */
  readonly error: Error | undefined;
}

/**
 * Writes what is to be kept. Fails where a value of the state is not finite or a file cannot be written; the checkpoints and
 * the export of former steps are kept then.
 */
export async function saveSnapshot(options: SavingOptions, snapshot: Snapshot): Promise<Outcome> {
  const { model, run, configuration, keep } = options;
  const { step, smoothed, state } = snapshot;
  let path: string | undefined;
  try {
    const broken = firstNotFinite(state);
    if (broken !== undefined) throw notFinite(`"${broken}" holds a value that is not finite after`, step);
    if (snapshot.checkpoint) {
      // The checkpoint promises that the lines up to its step are there.
      flushMetrics(run.metrics);
      const bytes = encodeCheckpoint(model.manifest, { step, smoothed, configuration, state });
      path = saveCheckpoint(run.checkpoints, step, bytes, keep);
    }
    await exportModel(model, run.model, state, recordOf(options, snapshot));
    return { path, error: undefined };
  } catch (error) {
    return { path, error: error as Error };
  }
}

function recordOf(
  { configuration, device, to }: SavingOptions,
  { step, smoothed }: Snapshot,
): TrainingRecord {
  return {
    data: configuration.data,
    dataDigest: configuration.dataDigest,
    steps: step,
    batch: configuration.batch,
    learningRate: configuration.learningRate,
    ...rateSchedule(configuration, to),
    seed: configuration.seed,
    loss: smoothed,
    device,
  };
}

/** What the record says of a rate that changes. */
function rateSchedule(
  { lrScheduler = "constant", lrWarmupSteps: warmupSteps = 0 }: Configuration,
  steps: number,
): Pick<TrainingRecord, "learningRateSchedule"> {
  if (lrScheduler === "constant" && warmupSteps === 0) return {};
  return { learningRateSchedule: { kind: lrScheduler, warmupSteps, steps } };
}

/** Of a run whose numbers have left what float32 holds. */
export function notFinite(what: string, step: number): UserError {
  return new UserError(
    `training stopped: ${what} step ${step}; start a new run with a smaller --lr, or another --seed`,
  );
}
