import { UserError } from "@onnx-diffusion/diffusion";
import { FIGURES, type FigureName, type FiguresOptions } from "../commands/figure-names.js";
import { DATASET_NAMES, findDataset } from "../data/index.js";
import { oneOf } from "../flags.js";
import { defineCommand, given, MOST, number, text, whole } from "./command.js";

export const figuresLine = defineCommand<FiguresOptions>({
  name: "figures",
  words: { figure: FIGURES.join(" or ") },
  usage: `trainer figures forward [flags]     images, the same with more and more noise, and the noise
trainer figures schedule [flags]    beta, alphaBar and the signal-to-noise ratio over the timesteps

Draws the diffusion itself, as PNG and SVG.`,
  examples: [
    ["trainer figures forward --data mnist", "the forward process"],
    ["trainer figures forward --model runs/unet-time/model", "and what a network sees in it"],
    ["trainer figures schedule", "the noise schedule"],
  ],
  flags: {
    data: text(`Data set: ${DATASET_NAMES.join(", ")} [default: mnist, or the model's]`),
    "data-dir": text("Folder with your own copy of the data set's files"),
    model: text("Exported model, whose prediction is drawn before and after its training"),
    seed: number("Seed of the noise", 0),
    out: text("Folder to write to [default: figures]"),
  },
  options(typed) {
    const figure = given(typed, "figure");
    if (figure === undefined) {
      throw new UserError(
        `figures: which one? expected ${FIGURES.join(" or ")}; see trainer figures --help`,
        {
          usage: true,
        },
      );
    }
    const data = given(typed, "data");
    if (data !== undefined) findDataset("--data", data);
    return {
      figure: oneOf<FigureName>("figures", figure, FIGURES),
      data,
      dataDir: given(typed, "data-dir"),
      model: given(typed, "model"),
      seed: whole(typed, "seed", 0, MOST) ?? 0,
      out: given(typed, "out") ?? "figures",
    };
  },
  run: async (options) => (await import("../commands/figures.js")).figuresCommand(options),
});
