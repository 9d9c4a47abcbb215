/** `trainer figures`: the forward process and its schedule as pictures. */

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import {
  fillNormals,
  type Manifest,
  PRACTICAL_SCHEDULE,
  type Schedule,
  scheduleOf,
  UserError,
} from "@onnx-diffusion/diffusion";
import { checkFile, type ModelFolder, readModelFolder } from "../artifacts.js";
import { type Dataset, loadDataset } from "../data/index.js";
import { createSession } from "../devices.js";
import { exportModel } from "../export.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { type Block, type Figure, gridFigure, scheduleFigures } from "../pictures/index.js";
import { predictNoise } from "../sampling.js";
import { initialState, type State } from "../state.js";
import type { FiguresOptions } from "./figure-names.js";

/** Images in a row of the forward process. */
const COLUMNS = 8;

/** Draws and says where. @returns the exit code. */
export async function figuresCommand(options: FiguresOptions): Promise<number> {
  const model = options.model === undefined ? undefined : readModelFolder(options.model, "--model");
  const schedule = scheduleOf(model?.manifest.schedule ?? PRACTICAL_SCHEDULE);
  const figures =
    options.figure === "schedule"
      ? await scheduleFigures(schedule)
      : { forward: await forwardFigure(options, schedule, model) };
  makeFolder(options.out);
  for (const [name, { svg, png }] of Object.entries(figures)) {
    for (const [ending, bytes] of [
      ["png", png],
      ["svg", new TextEncoder().encode(svg)],
    ] as const) {
      const path = join(options.out, `${name}.${ending}`);
      writeFileAtomic(path, bytes);
      console.log(`written ${path}`);
    }
  }
  return 0;
}

async function forwardFigure(
  options: FiguresOptions,
  schedule: Schedule,
  model: ModelFolder | undefined,
): Promise<Figure> {
  const image = model?.manifest.image ?? { channels: 3, height: 32, width: 32, range: [-1, 1] as const };
  const { dataDir, seed } = options;
  const name = options.data ?? model?.manifest.training?.data ?? "mnist";
  const dataset = await loadDataset(name, { split: "test", dataDir, ...image, onWarning: console.warn });
  const { pixels, labels } = oneOfEachClass(dataset, COLUMNS);
  const size = image.channels * image.height * image.width;
  const [low, high] = image.range;
  const eps = new Float32Array(pixels.length);
  fillNormals(eps, { seed, purpose: "noise", index: 0 });
  const timesteps = Array.from({ length: COLUMNS }, (_, i) => Math.round((schedule.T * (i + 1)) / COLUMNS));
  const xt = eps.map((z, i) => {
    const t = timesteps[Math.floor(i / size)]!;
    const x0 = low + ((high - low) * pixels[i]!) / 255;
    return schedule.sqrtAlphaBar[t]! * x0 + schedule.sqrtOneMinusAlphaBar[t]! * z;
  });
  const shape = { count: COLUMNS, channels: image.channels, height: image.height, width: image.width };
  const row = (title: string, values: Uint8Array): Block => ({
    name: title,
    images: { ...shape, pixels: values },
  });
  const noise = (values: Float32Array) => toBytes(values, -NOISE_SPAN, NOISE_SPAN);
  const predicted = model ? await predictions(model, xt, timesteps, labels) : undefined;
  // x_t = sqrt(alphaBar) x + sqrt(1 - alphaBar) eps, solved for x with the prediction for eps
  const denoised = predicted?.after.map((z, i) => {
    const t = timesteps[Math.floor(i / size)]!;
    return (xt[i]! - schedule.sqrtOneMinusAlphaBar[t]! * z) / schedule.sqrtAlphaBar[t]!;
  });
  return await gridFigure(
    [
      row("x", pixels),
      row("x at t", toBytes(xt, low, high)),
      row("noise", noise(eps)),
      ...(predicted
        ? [
            row("untrained", noise(predicted.before)),
            row("trained", noise(predicted.after)),
            row("denoised", toBytes(denoised!, low, high)),
          ]
        : []),
    ],
    {
      columns: COLUMNS,
      columnNames: timesteps.map((t) => `t = ${t}`),
      title: predicted ? "The forward process, and what the network sees in it" : "The forward process",
    },
  );
}

/** Noise from minus to plus this many standard deviations goes from black to white. */
const NOISE_SPAN = 2.5;

/** What the network predicts with the weights that it began with, and with those it has. */
async function predictions(
  model: ModelFolder,
  xt: Float32Array,
  timesteps: readonly number[],
  labels: Int32Array,
): Promise<{ before: Float32Array; after: Float32Array }> {
  const { manifest } = model;
  const { training } = manifest;
  if (!training)
    throw new UserError(`--model ${model.folder}: it is not trained; give the model folder of a run`);
  for (const file of Object.keys(manifest.files)) checkFile(model, file);
  const folder = mkdtempSync(join(tmpdir(), "untrained-"));
  try {
    await exportModel(model, folder, untrained(manifest, training.seed), training);
    const before = await predict(readModelFolder(folder, "--model"), xt, timesteps, labels);
    return { before, after: await predict(model, xt, timesteps, labels) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What training began with. Averages, which are exported where there are such, then hold nothing yet. */
function untrained(manifest: Manifest, seed: number): State {
  const state = initialState(manifest, seed);
  const averages = manifest.state.filter(({ kind }) => kind === "average");
  return new Map([...state, ...averages.map(({ name, of }) => [name, state.get(of!)!] as const)]);
}

/** One image at each timestep. */
async function predict(
  model: ModelFolder,
  xt: Float32Array,
  timesteps: readonly number[],
  labels: Int32Array,
): Promise<Float32Array> {
  const threads = availableParallelism();
  const session = await createSession(model, "inference_model", "cpu", { threads });
  const out = new Float32Array(xt.length);
  const size = xt.length / timesteps.length;
  try {
    for (const [i, timestep] of timesteps.entries()) {
      const x = xt.slice(i * size, (i + 1) * size);
      const { manifest } = model;
      out.set(
        await predictNoise({ manifest, session, x, timestep, labels: labels.slice(i, i + 1) }),
        i * size,
      );
    }
    return out;
  } finally {
    await session.release();
  }
}

/** The first image of each class in turn, uint8 [count,C,H,W]. */
function oneOfEachClass(dataset: Dataset, count: number): { pixels: Uint8Array; labels: Int32Array } {
  const all = new Int32Array(dataset.count);
  const indices = Array.from({ length: dataset.count }, (_, i) => i);
  dataset.labels(indices, all);
  const chosen = Array.from({ length: count }, (_, i) => {
    const found = all.indexOf(i % dataset.classes);
    return found >= 0 ? found : i % dataset.count;
  });
  const pixels = new Uint8Array(count * dataset.channels * dataset.height * dataset.width);
  dataset.images(chosen, pixels);
  return { pixels, labels: Int32Array.from(chosen, (i) => all[i]!) };
}

const toBytes = (values: Float32Array, low: number, high: number): Uint8Array =>
  Uint8Array.from(values, (v) => Math.round((255 * (Math.min(high, Math.max(low, v)) - low)) / (high - low)));
