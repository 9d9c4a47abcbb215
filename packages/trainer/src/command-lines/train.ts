import { basename, resolve } from "node:path";
import { LEARNING_RATE_SCHEDULES } from "@onnx-diffusion/diffusion";
import { DATASET_NAMES, findDataset } from "../data/index.js";
import { DEVICES } from "../device-names.js";
import { oneOf, positiveNumber } from "../flags.js";
import type { TrainOptions } from "../train.js";
import { TRAIN_DEFAULTS } from "../train-defaults.js";
import { defineCommand, given, MOST, MOST_STEPS, number, required, text, toggle, whole } from "./command.js";

export const trainLine = defineCommand<TrainOptions>({
  name: "train",
  usage: `trainer [train] --artifacts DIR [flags]
trainer sample --model DIR [flags]      draw images (trainer sample --help)
trainer eval --model DIR [flags]        have a classifier judge them
trainer export --model DIR --as FORM    other forms of a trained model
trainer verify DIR                      check a model folder
trainer data NAME [flags]               get a data set, say what is in it
trainer figures NAME [flags]            pictures of the diffusion itself

Trains a diffusion model that graph-builder has emitted. Ctrl-C saves and says how to go on.`,
  examples: [
    ["trainer --artifacts models/unet-cond --steps 25000", "train on MNIST into runs/unet-cond"],
    ["trainer --artifacts models/unet-cond --steps 50000 --resume", "go on with that run"],
    ["trainer --artifacts models/unet-cond --seed 1 --out runs/second", "another run beside it"],
    [
      "trainer --artifacts models/unet-time --lr 1e-3 --lr-scheduler cosine --lr-warmup-steps 100",
      "a high rate that falls",
    ],
  ],
  flags: {
    artifacts: text("Model folder, made by graph-builder emit"),
    steps: number("Train to this step", TRAIN_DEFAULTS.steps),
    data: text(`Data set: ${DATASET_NAMES.join(", ")} [default: ${TRAIN_DEFAULTS.data}]`),
    "data-dir": text("Folder with your own copy of the data set's files"),
    batch: number("Images a step", TRAIN_DEFAULTS.batch),
    lr: number("Learning rate", "1e-4"),
    "lr-scheduler": text(
      `${LEARNING_RATE_SCHEDULES.join(", ")}: how the rate falls, to 0 at --steps [default: ${TRAIN_DEFAULTS.lrScheduler}]`,
    ),
    "lr-warmup-steps": number("Steps in which the rate rises from 0", TRAIN_DEFAULTS.lrWarmupSteps),
    seed: number("Seed of everything that is random", TRAIN_DEFAULTS.seed),
    device: text(`${DEVICES.join(", ")} [default: ${TRAIN_DEFAULTS.device}]`),
    threads: number("Threads of the runtime", "all cores"),
    out: text("Run folder [default: runs/<name of the artifacts>]"),
    "save-every": number("Steps between checkpoints, each with an export", TRAIN_DEFAULTS.saveEvery),
    "sample-every": number("Steps between sample grids, 0 for none", TRAIN_DEFAULTS.sampleEvery),
    keep: number("Checkpoints to keep", TRAIN_DEFAULTS.keep),
    init: text(
      "Weights to begin with: weights.safetensors of an export, or PyTorch's state_dict as safetensors",
    ),
    resume: toggle("Go on with the run in the run folder"),
  },
  options(typed) {
    const artifacts = required(typed, "artifacts", "--artifacts models/unet-cond");
    const rate = given(typed, "lr");
    const data = given(typed, "data") ?? TRAIN_DEFAULTS.data;
    findDataset("--data", data);
    return {
      artifacts,
      steps: whole(typed, "steps", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.steps,
      data,
      dataDir: given(typed, "data-dir"),
      batch: whole(typed, "batch", 1, 65536) ?? TRAIN_DEFAULTS.batch,
      learningRate: rate === undefined ? TRAIN_DEFAULTS.learningRate : positiveNumber("--lr", rate),
      lrScheduler: oneOf(
        "--lr-scheduler",
        given(typed, "lr-scheduler") ?? TRAIN_DEFAULTS.lrScheduler,
        LEARNING_RATE_SCHEDULES,
      ),
      lrWarmupSteps: whole(typed, "lr-warmup-steps", 0, MOST_STEPS) ?? TRAIN_DEFAULTS.lrWarmupSteps,
      seed: whole(typed, "seed", 0, MOST) ?? TRAIN_DEFAULTS.seed,
      device: oneOf("--device", given(typed, "device") ?? TRAIN_DEFAULTS.device, DEVICES),
      threads: whole(typed, "threads", 1, 1024),
      out: given(typed, "out") ?? `runs/${basename(resolve(artifacts))}`,
      saveEvery: whole(typed, "save-every", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.saveEvery,
      sampleEvery: whole(typed, "sample-every", 0, MOST_STEPS) ?? TRAIN_DEFAULTS.sampleEvery,
      keep: whole(typed, "keep", 1, MOST_STEPS) ?? TRAIN_DEFAULTS.keep,
      init: given(typed, "init"),
      resume: typed.resume === true,
    };
  },
  run: async (options) => (await import("../commands/train.js")).trainCommand(options),
});
