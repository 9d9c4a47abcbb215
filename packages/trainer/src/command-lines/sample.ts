import type { SampleOptions } from "../commands/sample.js";
import { defineCommand, given, number, output, required, text, whole } from "./command.js";
import { SAMPLER_FLAGS, samplerChoice } from "./sampler-flags.js";

/** A picture of more images would be too large to look at. */
const MOST_IMAGES = 100_000;

export const sampleLine = defineCommand<SampleOptions>({
  name: "sample",
  usage: `trainer sample --model DIR [flags]

Draws images from an exported model.`,
  examples: [
    ["trainer sample --model runs/unet-cond/model", "one image of each class, into grid.png"],
    [
      "trainer sample --model runs/unet-cond/model --labels 3,7 --count 20",
      "ten threes and ten sevens, in turn",
    ],
    ["trainer sample --model runs/unet-cond/model --sampler ddim --steps 50", "a quick draft"],
  ],
  flags: {
    model: text("Exported model, such as runs/unet-cond/model"),
    count: number("Images to draw", "one a label, or 10"),
    labels: text("Labels, such as 7, 0,1,2 or 0-9; repeated as needed [default: all]"),
    ...SAMPLER_FLAGS,
    out: text("Picture to write, a .png file [default: grid.png]"),
    raw: text("Also write the images as uint8 [N,H,W,C] to this .npy file"),
  },
  options: (typed) => ({
    model: required(typed, "model", "--model runs/unet-cond/model"),
    count: whole(typed, "count", 1, MOST_IMAGES),
    labels: given(typed, "labels"),
    ...samplerChoice(typed),
    out: output(typed, "out", ".png") ?? "grid.png",
    raw: output(typed, "raw", ".npy"),
  }),
  run: async (options) => (await import("../commands/sample.js")).sampleCommand(options),
});
