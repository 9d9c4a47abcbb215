import { join } from "node:path";
import type { EvalOptions } from "../commands/eval.js";
import { defineCommand, given, number, required, text, whole } from "./command.js";
import { SAMPLER_FLAGS, samplerChoice } from "./sampler-flags.js";

/** Two images have a covariance; a hundred thousand take hours. */
const IMAGES = { least: 2, most: 100_000 };

export const evalLine = defineCommand<EvalOptions>({
  name: "eval",
  usage: `trainer eval --model DIR --judge DIR [flags]

Draws images from an exported model and has a classifier say what they show: accuracy by class, confusion matrix,
Fréchet distance to the test images in the classifier's features, and the loss at each noise level.`,
  examples: [
    ["trainer eval --model runs/unet-time/model --judge models/judge", "a thousand digits, judged"],
    [
      "trainer eval --model runs/unet-time/model --judge models/judge --sampler ddim --steps 50",
      "the same in an eighth of the time",
    ],
  ],
  flags: {
    model: text("Exported model, such as runs/unet-time/model"),
    judge: text("Folder of the classifier [default: models/judge]"),
    count: number("Images to draw, the classes in turn", 1000),
    "data-dir": text("Folder with your own copy of the data set's files"),
    ...SAMPLER_FLAGS,
    out: text("Folder to write to [default: eval, beside the model]"),
  },
  options(typed) {
    const model = required(typed, "model", "--model runs/unet-time/model");
    return {
      model,
      judge: given(typed, "judge") ?? "models/judge",
      count: whole(typed, "count", IMAGES.least, IMAGES.most) ?? 1000,
      dataDir: given(typed, "data-dir"),
      ...samplerChoice(typed),
      out: given(typed, "out") ?? join(model, "..", "eval"),
    };
  },
  run: async (options) => (await import("../commands/eval.js")).evalCommand(options),
});
