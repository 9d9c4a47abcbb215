/** The command line: what was typed becomes options that hold, or one line that says what is wrong. */

import { basename, resolve } from "node:path";
import { SAMPLERS, type SamplerName, UserError } from "@onnx-diffusion/diffusion";
import yargs from "yargs";
import type { SampleOptions } from "./commands/sample.js";
import { DATASETS } from "./data/index.js";
import { nearest } from "./data/nearest.js";
import { DEVICES } from "./device-names.js";
import { oneOf, positiveNumber, wholeNumber } from "./flags.js";
import type { TrainOptions } from "./train.js";
import { TRAIN_DEFAULTS } from "./train-defaults.js";

export type CommandLine =
  | { readonly command: "train"; readonly options: TrainOptions }
  | { readonly command: "sample"; readonly options: SampleOptions }
  /** Help or the version: what to print. */
  | { readonly command: "print"; readonly text: string };

/** int32 counts steps. */
const MOST_STEPS = 2 ** 31 - 1;
const MOST = Number.MAX_SAFE_INTEGER;
/** A run folder of more images would not fit a picture. */
const MOST_IMAGES = 100_000;

const text = (describe: string, requiresArg = true) => ({ type: "string" as const, describe, requiresArg });
const number = (describe: string, usual?: number | string) =>
  text(usual === undefined ? describe : `${describe} [default: ${usual}]`);

const SHARED_FLAGS = {
  verbose: { type: "boolean" as const, describe: "Show the stack of an error" },
};

const TRAIN_FLAGS = {
  artifacts: text("Model folder, made by graph-builder emit"),
  steps: number("Train to this step", TRAIN_DEFAULTS.steps),
  data: text(`Data set: ${DATASETS.map(({ name }) => name).join(", ")} [default: ${TRAIN_DEFAULTS.data}]`),
  "data-dir": text("Folder with your own copy of the data set's files"),
  batch: number("Images a step", TRAIN_DEFAULTS.batch),
  lr: number("Learning rate", "1e-4"),
  seed: number("Seed of everything that is random", TRAIN_DEFAULTS.seed),
  device: text(`${DEVICES.join(", ")} [default: ${TRAIN_DEFAULTS.device}]`),
  threads: number("Threads of the runtime", "all cores"),
  out: text("Run folder [default: runs/<name of the artifacts>]"),
  "save-every": number("Steps between checkpoints, each with an export", TRAIN_DEFAULTS.saveEvery),
  "sample-every": number("Steps between sample grids, 0 for none", TRAIN_DEFAULTS.sampleEvery),
  keep: number("Checkpoints to keep", TRAIN_DEFAULTS.keep),
  resume: { type: "boolean" as const, describe: "Go on with the run in the run folder" },
  ...SHARED_FLAGS,
};

const SAMPLE_FLAGS = {
  model: text("Exported model, such as runs/unet-cond/model"),
  count: number("Images to draw", "one a label, or 10"),
  labels: text("Labels, such as 7, 0,1,2 or 0-9; repeated as needed [default: all]"),
  seed: number("Seed; image i of a seed is always the same", 0),
  steps: number("Evaluations of the network", "the model's T"),
  sampler: text(`${Object.keys(SAMPLERS).join(", ")} [default: ddpm]`),
  device: text("cpu, cuda, webgpu [default: cpu]"),
  threads: number("Threads of the runtime", "all cores"),
  out: text("Picture to write [default: grid.png]"),
  raw: text("Also write the images as uint8 [N,H,W,C] to this .npy file"),
  ...SHARED_FLAGS,
};

const COMMANDS = ["train", "sample"] as const;

/** Whether errors are to be shown with their stacks; readable even where the rest of the line is wrong. */
export function isVerbose(words: readonly string[]): boolean {
  return words.includes("--verbose");
}

/**
 * Reads the words after the program's name.
 *
 * @throws UserError (usage) for the first mistake.
 */
export async function parseCommandLine(words: readonly string[]): Promise<CommandLine> {
  const joined = joinNegativeNumbers(words);
  const named = joined[0] !== undefined && !joined[0].startsWith("-") ? joined[0] : undefined;
  const command = named === undefined ? "train" : oneOf("command", named, COMMANDS);
  const rest = named === undefined ? joined : joined.slice(1);
  const flags = command === "train" ? TRAIN_FLAGS : SAMPLE_FLAGS;
  checkNames(rest, Object.keys(flags));

  let help = "";
  const parser = yargs([...rest])
    .scriptName("trainer")
    .usage(command === "train" ? TRAIN_USAGE : SAMPLE_USAGE)
    .options(flags)
    .example(command === "train" ? TRAIN_EXAMPLES : SAMPLE_EXAMPLES)
    .parserConfiguration({
      "duplicate-arguments-array": false,
      "camel-case-expansion": false,
      "dot-notation": false,
    })
    .strict()
    .showHelpOnFail(false)
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // yargs' own complaints come with a message, defects without
      if (!message) throw error;
      throw new UserError(`${message.replace(/\s*\n\s*/g, " ")}; see trainer ${command} --help`, {
        usage: true,
      });
    });
  const typed = (await parser.parse([...rest], (_: unknown, __: unknown, output: string) => {
    help = output;
  })) as Typed;
  if (help !== "") return { command: "print", text: help };
  return command === "train"
    ? { command, options: trainOptions(typed) }
    : { command, options: sampleOptions(typed) };
}

type Typed = Readonly<Record<string, string | boolean | undefined>>;

/** The text after a flag, or undefined where it was not given. */
function given(typed: Typed, flag: string): string | undefined {
  const value = typed[flag];
  return typeof value === "string" ? value : undefined;
}

function trainOptions(typed: Typed): TrainOptions {
  const artifacts = required(typed, "artifacts", "--artifacts models/unet-cond");
  const whole = (flag: string, least: number, most: number) => {
    const value = given(typed, flag);
    return value === undefined ? undefined : wholeNumber(`--${flag}`, value, least, most);
  };
  const rate = given(typed, "lr");
  const names = DATASETS.map(({ name }) => name);
  return {
    artifacts,
    steps: whole("steps", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.steps,
    data: oneOf("--data", given(typed, "data") ?? TRAIN_DEFAULTS.data, names),
    dataDir: given(typed, "data-dir"),
    batch: whole("batch", 1, 65536) ?? TRAIN_DEFAULTS.batch,
    learningRate: rate === undefined ? TRAIN_DEFAULTS.learningRate : positiveNumber("--lr", rate),
    seed: whole("seed", 0, MOST) ?? TRAIN_DEFAULTS.seed,
    device: oneOf("--device", given(typed, "device") ?? TRAIN_DEFAULTS.device, DEVICES),
    threads: whole("threads", 1, 1024),
    out: given(typed, "out") ?? `runs/${basename(resolve(artifacts))}`,
    saveEvery: whole("save-every", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.saveEvery,
    sampleEvery: whole("sample-every", 0, MOST_STEPS) ?? TRAIN_DEFAULTS.sampleEvery,
    keep: whole("keep", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.keep,
    resume: typed.resume === true,
  };
}

function sampleOptions(typed: Typed): SampleOptions {
  const whole = (flag: string, least: number, most: number) => {
    const value = given(typed, flag);
    return value === undefined ? undefined : wholeNumber(`--${flag}`, value, least, most);
  };
  return {
    model: required(typed, "model", "--model runs/unet-cond/model"),
    count: whole("count", 1, MOST_IMAGES),
    labels: given(typed, "labels"),
    seed: whole("seed", 0, MOST) ?? 0,
    steps: whole("steps", 1, MOST_STEPS),
    sampler: oneOf("--sampler", given(typed, "sampler") ?? "ddpm", Object.keys(SAMPLERS) as SamplerName[]),
    device: oneOf("--device", given(typed, "device") ?? "cpu", ["cpu", "cuda", "webgpu"]),
    threads: whole("threads", 1, 1024),
    out: given(typed, "out") ?? "grid.png",
    raw: given(typed, "raw"),
  };
}

function required(typed: Typed, flag: string, example: string): string {
  const value = given(typed, flag);
  if (value !== undefined && value !== "") return value;
  throw new UserError(`--${flag} is missing, such as ${example}; see trainer --help`, { usage: true });
}

/** `--steps -1` becomes `--steps=-1`: else the number would be read as flags of one letter. */
function joinNegativeNumbers(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if (/^-[\d.]/.test(word) && before?.startsWith("--") === true && !before.includes("=")) {
      joined[joined.length - 1] = `${before}=${word}`;
    } else joined.push(word);
  }
  return joined;
}

/** @throws UserError (usage) for the first unknown flag, with the nearest one. */
function checkNames(words: readonly string[], flags: readonly string[]): void {
  const known = [...flags, "help", "version"];
  for (const word of words) {
    if (!word.startsWith("--") || word === "--") continue;
    const name = word.slice(2).split("=")[0]!;
    if (known.includes(name) || known.includes(name.replace(/^no-/, ""))) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? "see --help" : `did you mean --${near}?`;
    throw new UserError(`--${name}: there is no such flag; ${hint}`, { usage: true });
  }
}

const TRAIN_USAGE = `trainer [train] --artifacts DIR [flags]
trainer sample --model DIR [flags]      draw images (trainer sample --help)

Trains a diffusion model that graph-builder has emitted. Ctrl-C saves and says how to go on.`;

const TRAIN_EXAMPLES: [string, string][] = [
  ["trainer --artifacts models/unet-cond --steps 25000", "train on MNIST into runs/unet-cond"],
  ["trainer --artifacts models/unet-cond --steps 50000 --resume", "go on with that run"],
  ["trainer --artifacts models/unet-cond --seed 1 --out runs/second", "another run beside it"],
];

const SAMPLE_USAGE = `trainer sample --model DIR [flags]

Draws images from an exported model.`;

const SAMPLE_EXAMPLES: [string, string][] = [
  ["trainer sample --model runs/unet-cond/model", "one image of each class, into grid.png"],
  [
    "trainer sample --model runs/unet-cond/model --labels 3,7 --count 20",
    "ten threes and ten sevens, in turn",
  ],
  ["trainer sample --model runs/unet-cond/model --sampler ddim --steps 50", "a quick draft"],
];
