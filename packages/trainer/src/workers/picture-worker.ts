/** The thread that draws sample grids and the loss curve from what a run has exported, while training goes on. */

import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { readModelFolder } from "../artifacts.js";
import { createDrawingSession } from "../drawing-session.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readMetrics } from "../metrics.js";
import { comparisonFigure, lossCurve } from "../pictures/index.js";
import { stepName } from "../run-folder.js";
import { drawImages } from "../sampling.js";
import type { PictureCommand, PictureReport, PictureWorkerData } from "./messages.js";

const main = parentPort!;
const data = workerData as PictureWorkerData;
const report = (message: PictureReport) => main.postMessage(message);
const stopped = () => Atomics.load(data.stop, 0) !== 0;

main.on("message", async (command: PictureCommand) => {
  if (command.type === "stop") {
    main.close();
    return;
  }
  try {
    await draw(command);
  } catch (error) {
    report({ type: "notDrawn", reason: error instanceof Error ? error.message : String(error) });
  }
});

async function draw({ sampler, steps, threads }: Extract<PictureCommand, { type: "draw" }>): Promise<void> {
  const { run, seed, labels, count, columns, classNames, real } = data;
  const model = readModelFolder(run.model, "--model");
  const { manifest } = model;
  const step = manifest.training!.steps;
  const { session } = await createDrawingSession(model, undefined, "cpu", { threads });
  try {
    const work = drawImages({ manifest, session, sampler, steps, seed, count, labels });
    let next = await work.next();
    while (next.done !== true) {
      if (stopped()) return;
      report({ type: "drawing", done: next.value.done, total: next.value.total });
      next = await work.next();
    }
    makeFolder(run.samples);
    const path = join(run.samples, `${stepName(step)}.png`);
    const { channels, height, width } = manifest.image;
    const figure = { generated: next.value, real: real.images, count, columns, channels, height, width };
    writeFileAtomic(path, await comparisonFigure({ ...figure, classNames, step }));
    const { png, svg } = await lossCurve(readMetrics(run.metrics));
    writeFileAtomic(run.lossPng, png);
    writeFileAtomic(run.lossSvg, svg);
    report({ type: "drawn", step, path });
  } finally {
    await session.release();
  }
}
