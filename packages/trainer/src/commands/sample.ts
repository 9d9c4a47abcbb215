/** `trainer sample`: draws images from an exported model into a picture or an array file. */

import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import { checkFile, readModelFolder } from "../artifacts.js";
import type { SamplerChoice } from "../command-lines/sampler-flags.js";
import { createDrawingSession } from "../drawing-session.js";
import { WEIGHTS } from "../export.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { labelList } from "../flags.js";
import { encodeNpy, toChannelsLast } from "../npy.js";
import { gridPng } from "../pictures/index.js";
import { catchStopSignals, exitCodeAfter } from "../signals.js";
import { openTerminal } from "../terminal.js";
import { draw } from "./draw.js";

export interface SampleOptions extends SamplerChoice {
  /** The exported folder. */
  readonly model: string;
  /** Undefined: one image a label, or 10. */
  readonly count: number | undefined;
  /** As typed; undefined: all classes in turn. */
  readonly labels: string | undefined;
  readonly out: string;
  /** Where to write the images as uint8 [N, H, W, C]. */
  readonly raw: string | undefined;
}

/** Draws and says where. @returns the exit code. */
export async function sampleCommand(options: SampleOptions): Promise<number> {
  const model = readModelFolder(options.model, "--model");
  const { classes, schedule, files, state, training } = model.manifest;
  const { count, labels } = whatToDraw(options, classes);
  const steps = options.steps ?? schedule.T;
  if (steps > schedule.T) {
    throw new UserError(`--steps: found ${steps}, expected at most the model's T = ${schedule.T}`, {
      usage: true,
    });
  }
  if (!training && state.length > 0 && !Object.hasOwn(files, WEIGHTS)) {
    throw new UserError(`--model ${options.model}: it is not trained; give the model folder of a run`);
  }
  for (const file of Object.keys(files)) checkFile(model, file);

  const terminal = openTerminal();
  const signals = catchStopSignals((name) => terminal.print(`${name}: stopping; nothing is written`));
  const threads = options.threads ?? availableParallelism();
  const { guidance, device } = options;
  const { session, manifest } = await createDrawingSession(model, guidance, device, { threads });
  try {
    const { seed, sampler, spacing } = options;
    const pixels = await draw(
      {
        manifest,
        session,
        sampler,
        spacing,
        steps,
        seed,
        count,
        labels,
        signal: signals.signal,
      },
      terminal,
    );
    terminal.clear();
    const { channels, height, width } = manifest.image;
    const images = { pixels, count, channels, height, width };
    write(options.out, await gridPng(images), terminal.print);
    if (options.raw !== undefined) {
      write(options.raw, encodeNpy(toChannelsLast(images), [count, height, width, channels]), terminal.print);
    }
    return 0;
  } catch (error) {
    return exitCodeAfter(error, signals);
  } finally {
    terminal.clear();
    signals.dispose();
    await session.release();
  }
}

/** The number of images and the label of each. @throws UserError (usage) if the two do not fit the model. */
function whatToDraw(
  { count, labels: typed }: SampleOptions,
  classes: number,
): { count: number; labels: number[] } {
  if (classes === 0) {
    if (typed === undefined) return { count: count ?? 10, labels: [] };
    throw new UserError(`--labels: found "${typed}", but this model has no classes; leave the flag out`, {
      usage: true,
    });
  }
  const cycle = labelList("--labels", typed ?? `0-${classes - 1}`, classes);
  const total = count ?? cycle.length;
  if (typed !== undefined && total < cycle.length) {
    throw new UserError(
      `--count: found ${total}, but --labels ${typed} names ${cycle.length} images; give ${cycle.length} or more`,
      { usage: true },
    );
  }
  return { count: total, labels: Array.from({ length: total }, (_, i) => cycle[i % cycle.length]!) };
}

function write(path: string, bytes: Uint8Array, print: (line: string) => void): void {
  makeFolder(dirname(path));
  writeFileAtomic(path, bytes);
  print(`written ${path}`);
}
