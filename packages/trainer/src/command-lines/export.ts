import { basename, dirname, join } from "node:path";
import type { ExportOptions } from "../commands/export.js";
import { oneOf } from "../flags.js";
import { FORM_SUMMARIES, type FormName } from "../forms/names.js";
import { defineCommand, given, required, text } from "./command.js";

const NAMES = Object.keys(FORM_SUMMARIES) as FormName[];
const WIDEST = Math.max(...NAMES.map((name) => name.length));

export const exportLine = defineCommand<ExportOptions>({
  name: "export",
  usage: `trainer export --model DIR --as FORM [--out DIR]

Writes a trained model in another form, with a model card that says how far it is from the original:

${NAMES.map((name) => `  ${name.padEnd(WIDEST)}  ${FORM_SUMMARIES[name]}`).join("\n")}`,
  examples: [
    ["trainer export --model runs/unet-cond/model --as fp16-weights", "half the size, for a web page"],
    ["trainer export --model runs/unet-cond/model --as single --out one", "one file for other programs"],
  ],
  flags: {
    model: text("Exported model with float32 weights, such as runs/unet-cond/model"),
    as: text(`The form: ${NAMES.join(", ")}`),
    out: text("New folder to write [default: the model's name and the form, beside the model]"),
  },
  options(typed) {
    const model = required(typed, "model", "--model runs/unet-cond/model");
    const as = oneOf("--as", required(typed, "as", "--as fp16-weights"), NAMES);
    return { model, as, out: given(typed, "out") ?? join(dirname(model), `${basename(model)}-${as}`) };
  },
  run: async (options) => (await import("../commands/export.js")).exportCommand(options),
});
