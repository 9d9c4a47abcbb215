/** `trainer eval`: what a model's images are worth, in figures and pictures. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import { checkFile, readModelFolder } from "../artifacts.js";
import type { SamplerChoice } from "../command-lines/sampler-flags.js";
import { firstImages, loadDataset } from "../data/index.js";
import { createDrawingSession } from "../drawing-session.js";
import { confusionOf } from "../evaluation/confusion.js";
import { describeDrawing, EVALUATION_FILE, type Evaluation, modelDigest } from "../evaluation/evaluation.js";
import { frechetDistance } from "../evaluation/frechet.js";
import { type Judge, openJudge } from "../evaluation/judge.js";
import { type LossAtTimestep, lossByTimestep } from "../evaluation/loss-by-timestep.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { confusionFigure, type GridOptions, gridPng, lossByTimestepFigure } from "../pictures/index.js";
import { withCommas } from "../pictures/theme.js";
import { shareLine } from "../progress.js";
import { catchStopSignals, exitCodeAfter } from "../signals.js";
import { openTerminal } from "../terminal.js";
import { draw } from "./draw.js";

export interface EvalOptions extends SamplerChoice {
  /** The exported folder. */
  readonly model: string;
  /** The classifier's folder. */
  readonly judge: string;
  /** Images to draw. */
  readonly count: number;
  readonly dataDir: string | undefined;
  /** The folder for figures and pictures. */
  readonly out: string;
}

/** Evaluates, prints and writes. @returns the exit code. */
export async function evalCommand(options: EvalOptions): Promise<number> {
  const model = readModelFolder(options.model, "--model");
  const { training, schedule, classes, image } = model.manifest;
  if (!training) {
    throw new UserError(`--model ${options.model}: it is not trained; give the model folder of a run`);
  }
  const steps = options.steps ?? schedule.T;
  if (steps > schedule.T) {
    throw new UserError(`--steps: found ${steps}, expected at most the model's T = ${schedule.T}`, {
      usage: true,
    });
  }
  for (const file of Object.keys(model.manifest.files)) checkFile(model, file);
  const judge = await openJudge(options.judge, model.manifest, training.data);
  const terminal = openTerminal();
  const signals = catchStopSignals((name) => terminal.print(`${name}: stopping; nothing is written`));
  const { signal } = signals;
  const threads = options.threads ?? availableParallelism();
  const { guidance, device } = options;
  const drawing = await createDrawingSession(model, guidance, device, { threads });
  // The loss is that of the network itself.
  const { session } =
    guidance === undefined ? drawing : await createDrawingSession(model, undefined, device, { threads });
  try {
    const { count, seed, sampler, spacing, dataDir } = options;
    const warn = (text: string) => terminal.print(`warning: ${text}`);
    const load = (split: "train" | "test") =>
      loadDataset(training.data, { split, dataDir, signal, ...image, onWarning: warn });
    const [train, test] = [await load("train"), await load("test")];
    const labels = classes > 0 ? Array.from({ length: count }, (_, i) => i % classes) : [];
    const pixels = await draw({ ...drawing, sampler, spacing, steps, seed, count, labels, signal }, terminal);

    const drawn = await judge.judge(pixels);
    const reals = await judge.judge(firstImages(test, count));
    const known = await judge.judge(firstImages(train, count));
    const width = judge.manifest.features;
    const losses: LossAtTimestep[] = [];
    for await (const level of lossByTimestep({
      manifest: model.manifest,
      session,
      dataset: test,
      seed,
      signal,
    })) {
      losses.push(level);
      terminal.show(shareLine("loss by timestep", level.timestep / schedule.T, terminal.columns));
    }
    const evaluation: Evaluation = {
      model: {
        network: model.manifest.network.name,
        steps: training.steps,
        data: training.data,
        sha256: modelDigest(model.manifest),
      },
      drawn: {
        count,
        seed,
        sampler,
        spacing,
        steps,
        ...(drawing.manifest.guidance === undefined ? {} : { guidance: drawing.manifest.guidance }),
      },
      judge: { accuracy: judge.manifest.accuracy, classes: judge.manifest.classes },
      ...(classes > 0 ? { confusion: confusionOf(labels, drawn.labels, classes) } : {}),
      frechet: {
        drawn: frechetDistance(drawn.features, reals.features, width),
        real: frechetDistance(known.features, reals.features, width),
        count: Math.min(count, test.count, train.count),
      },
      lossByTimestep: losses,
    };
    terminal.clear();
    report(evaluation, judge, terminal.print);
    const shown = Math.min(count, 100);
    await write(options.out, evaluation, judge.manifest.classes, terminal.print, {
      pixels: pixels.subarray(0, shown * image.channels * image.height * image.width),
      count: shown,
      ...image,
    });
    return 0;
  } catch (error) {
    return exitCodeAfter(error, signals);
  } finally {
    terminal.clear();
    signals.dispose();
    await session.release();
    if (session !== drawing.session) await drawing.session.release();
    await judge.dispose();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function report(
  { confusion, frechet, lossByTimestep: losses, drawn }: Evaluation,
  { manifest }: Judge,
  print: (line: string) => void,
): void {
  if (confusion) {
    print(
      `accuracy ${percent(confusion.accuracy)} of ${drawn.count} drawn images; the judge's own on test images is ${percent(manifest.accuracy)}`,
    );
    const width = Math.max(...manifest.classes.map((name) => name.length));
    confusion.perClass.forEach((share, wanted) => {
      const mistakes = confusion.counts[wanted]!.flatMap((n, judged) =>
        n > 0 && judged !== wanted ? [{ n, name: manifest.classes[judged]! }] : [],
      ).sort((a, b) => b.n - a.n);
      const taken = mistakes.slice(0, 3).map(({ n, name }) => `${name} (${n})`);
      const note = taken.length > 0 ? `   taken for ${taken.join(", ")}` : "";
      print(`  ${manifest.classes[wanted]!.padEnd(width)} ${percent(share).padStart(8)}${note}`);
    });
  }
  print(
    `Fréchet distance ${frechet.drawn.toFixed(2)} to ${frechet.count} test images; ${frechet.count} training images have ${frechet.real.toFixed(2)}`,
  );
  const some = losses.filter((_, i) => (i + 1) % 4 === 0 || i === 0);
  print(`loss at t = ${some.map(({ timestep, loss }) => `${timestep}: ${loss.toPrecision(3)}`).join(", ")}`);
}

/** A column for each class, where there are so few that labels in turn make columns. */
function headings({ model, drawn, confusion }: Evaluation, classNames: readonly string[]): GridOptions {
  const title = `${model.network} after ${withCommas(model.steps)} steps: ${describeDrawing(drawn)}`;
  const columns = confusion?.counts.length ?? 0;
  return columns >= 2 && columns <= 10 ? { title, columns, columnNames: classNames } : { title };
}

async function write(
  folder: string,
  evaluation: Evaluation,
  classNames: readonly string[],
  print: (line: string) => void,
  images: Parameters<typeof gridPng>[0],
): Promise<void> {
  const { confusion, lossByTimestep: losses } = evaluation;
  const curve = await lossByTimestepFigure(losses);
  const files: [string, string | Uint8Array][] = [
    ["samples.png", await gridPng(images, headings(evaluation, classNames))],
    ...(confusion
      ? [
          ["confusion.png", await confusionFigure(confusion.counts, classNames)] satisfies [
            string,
            Uint8Array,
          ],
        ]
      : []),
    ["loss-by-timestep.svg", curve.svg],
    ["loss-by-timestep.png", curve.png],
    [EVALUATION_FILE, `${JSON.stringify(evaluation, undefined, 2)}\n`],
  ];
  makeFolder(folder);
  for (const [name, bytes] of files) {
    writeFileAtomic(join(folder, name), typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    print(`written ${join(folder, name)}`);
  }
}
