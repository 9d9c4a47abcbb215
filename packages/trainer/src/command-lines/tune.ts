import type { TuneOptions } from "../commands/tune.js";
import { TRAIN_DEFAULTS } from "../train-defaults.js";
import { defineCommand, given, number, required, text, whole } from "./command.js";

const DEFAULTS = { rounds: 25, out: "forms.json" };

export const tuneLine = defineCommand<TuneOptions>({
  name: "tune",
  usage: `trainer tune --artifacts DIR [flags]

Measures on this machine in which form each convolution of a model is the fastest, value and gradients, and writes a
table by which graph-builder emits the model again. Where no form is faster than the usual one, the table says so.`,
  examples: [
    ["trainer tune --artifacts models/unet-cond", "measure, print, write forms.json"],
    ["graph-builder emit unet-cond --forms forms.json --out models/tuned", "the model by that table"],
  ],
  flags: {
    artifacts: text("Model folder, made by graph-builder emit"),
    batch: number("Images a step, as you will train", TRAIN_DEFAULTS.batch),
    threads: number("Threads of the runtime", "all cores"),
    rounds: number("Rounds in which each form has its turn", DEFAULTS.rounds),
    out: text(`Table to write [default: ${DEFAULTS.out}]`),
  },
  options: (typed) => ({
    artifacts: required(typed, "artifacts", "--artifacts models/unet-cond"),
    batch: whole(typed, "batch", 1, 65536) ?? TRAIN_DEFAULTS.batch,
    threads: whole(typed, "threads", 1, 1024),
    rounds: whole(typed, "rounds", 1, 10_000) ?? DEFAULTS.rounds,
    out: given(typed, "out") ?? DEFAULTS.out,
  }),
  run: async (options) => (await import("../commands/tune.js")).tuneCommand(options),
});
