/** The thread that holds the training session and the state. */

import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "@onnx-diffusion/diffusion";
import { newestCheckpoint } from "../checkpoints.js";
import { openChunkSource } from "../chunk-source.js";
import { type Configuration, requireSame } from "../configuration.js";
import { createTrainingSession } from "../devices.js";
import { makeFolder, removeTemporaryFiles } from "../files.js";
import { learningRateAt } from "../learning-rate.js";
import { truncateMetrics } from "../metrics.js";
import { chunkSteps } from "../plan.js";
import { createSaver, type Saver } from "../saver.js";
import { initialState, type State } from "../state.js";
import { createStepper } from "../stepper.js";
import { TRAIN_DEFAULTS } from "../train-defaults.js";
import { runTraining } from "../training.js";
import { failureOf, type TrainingCommand, type TrainingReport, type TrainingWorkerData } from "./messages.js";

const main = parentPort!;
const data = workerData as TrainingWorkerData;
const report = (message: TrainingReport) => main.postMessage(message);
const stopped = () => Atomics.load(data.stop, 0) !== 0;

const command = new Promise<TrainingCommand>((resolve) => {
  main.on("message", resolve);
});
let saver: Saver | undefined;

try {
  const session = await createTrainingSession(data.model, data.device, data);
  report({ type: "device", device: session.device, rejected: session.rejected });
  const begin = await command;
  if (begin.type === "begin" && !stopped()) {
    const { configuration } = begin;
    const start = startingPoint(configuration);
    report({ type: "started", step: start.step, checkpoint: start.path });
    const { model, run, steps, saveEvery, sampleEvery, keep } = data;
    const { device } = session;
    const { channels, height, width } = model.manifest.image;
    const source = openChunkSource(data.port, {
      from: start.step,
      to: steps,
      stops: [saveEvery, sampleEvery],
      most: chunkSteps(device, configuration.batch, channels * height * width),
      begin: 1,
    });
    const stepper = createStepper({
      manifest: model.manifest,
      session,
      learningRate: (step) => learningRateAt(step, steps, { ...TRAIN_DEFAULTS, ...configuration }),
      state: start.state,
    });
    const { step: from, smoothed } = start;
    const to = steps;
    saver = createSaver({ model, run, configuration, device, to, keep });
    const options = { run, stepper, source, from, smoothed, to, saveEvery, sampleEvery, stopped };
    for await (const message of runTraining({ ...options, save: saver.save })) report(message);
  }
  await session.session.release();
} catch (error) {
  report(failureOf(error));
} finally {
  await saver?.dispose();
  data.port.close();
  main.close();
}

interface StartingPoint {
  readonly step: number;
  readonly smoothed: number | undefined;
  readonly state: State;
  /** The checkpoint's path. */
  readonly path: string | undefined;
}

/** Step 0, or the newest good checkpoint, to which the run folder is then brought back. */
function startingPoint(configuration: Configuration): StartingPoint {
  const { model, run, resume, steps, weights = [] } = data;
  makeFolder(run.checkpoints);
  removeTemporaryFiles(run.checkpoints);
  removeTemporaryFiles(run.model);
  if (!resume) {
    truncateMetrics(run.metrics, 0);
    return {
      step: 0,
      smoothed: undefined,
      state: new Map([...initialState(model.manifest, configuration.seed), ...weights]),
      path: undefined,
    };
  }
  const { checkpoint, path, warnings } = newestCheckpoint(run.checkpoints);
  for (const text of warnings) report({ type: "warning", text: `${text}; taking the one before` });
  requireSame(configuration, checkpoint.configuration, run.root);
  if (checkpoint.step > steps) {
    throw new UserError(
      `--steps ${steps}: the run in ${run.root} is at step ${checkpoint.step} already; ask for more steps`,
      { usage: true },
    );
  }
  const state = checkpoint.readState(model.manifest);
  truncateMetrics(run.metrics, checkpoint.step);
  return { step: checkpoint.step, smoothed: checkpoint.smoothed, state, path };
}
