import { basename, dirname, join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import type { ExportOptions } from "../commands/export.js";
import { oneOf } from "../flags.js";
import { FORM_SUMMARIES, type FormName } from "../forms/names.js";
import { defineCommand, given, number, required, text, toggle, whole } from "./command.js";
import { guidanceWeight, SAMPLER_FLAGS, samplerChoice } from "./sampler-flags.js";

const NAMES = Object.keys(FORM_SUMMARIES) as FormName[];
/** The classifier's features have covariances from some hundred images on. */
const JUDGED = { usual: 500, least: 100, most: 10_000 };
const WIDEST = Math.max(...NAMES.map((name) => name.length));

export const exportLine = defineCommand<ExportOptions>({
  name: "export",
  usage: `trainer export --model DIR --as FORM [--out DIR]

Writes a trained model in another form, with a model card that says how far it is from the original:

${NAMES.map((name) => `  ${name.padEnd(WIDEST)}  ${FORM_SUMMARIES[name]}`).join("\n")}`,
  examples: [
    ["trainer export --model runs/unet-cond/model --as fp16-weights", "half the size, for a web page"],
    ["trainer export --model runs/unet-cond/model --as single --out one", "one file for other programs"],
    [
      "trainer export --model runs/unet-cond/model --as fp16-weights --eval runs/unet-cond/eval --out models/unet-cond/trained",
      "a release, with a card that says how good it is",
    ],
    [
      "trainer export --model runs/unet-cond/model --as sampler --sampler ddim --steps 50",
      "digits in one file",
    ],
    [
      "trainer export --model runs/unet-time/model --as onnx --guidance 3",
      "the network with guidance inside: every sampler and runtime has it",
    ],
  ],
  flags: {
    model: text("Exported model with weights in float32 or fp16-weights, such as runs/unet-cond/model"),
    as: text(`The form: ${NAMES.join(", ")}`),
    sampler: SAMPLER_FLAGS.sampler,
    steps: SAMPLER_FLAGS.steps,
    spacing: SAMPLER_FLAGS.spacing,
    guidance: SAMPLER_FLAGS.guidance,
    noise: text(
      "seed: the sampler's graph draws its noise; input: it takes it [default: seed where steps take noise, else input]",
    ),
    diet: toggle("Few operators, of an old operator set, for runtimes that lack some: single, sampler"),
    judge: text(
      "Folder of a classifier that judges the form's images beside the original's, such as models/judge",
    ),
    quick: toggle("Do not run the form: a card without its error and picture, no known answer"),
    count: number("Images to judge, the classes in turn", JUDGED.usual),
    eval: text("Folder that trainer eval wrote: its figures go into the model card"),
    out: text("New folder to write [default: the model's name and the form, beside the model]"),
  },
  options(typed) {
    const model = required(typed, "model", "--model runs/unet-cond/model");
    const as = oneOf("--as", required(typed, "as", "--as fp16-weights"), NAMES);
    const { sampler, steps, spacing } = samplerChoice(typed);
    const source = given(typed, "noise");
    const noise = source === undefined ? undefined : oneOf("--noise", source, ["seed", "input"] as const);
    const wanted = ["sampler", "steps", "spacing", "noise"].find((flag) => given(typed, flag) !== undefined);
    if (wanted !== undefined && as !== "sampler") {
      throw new UserError(`--${wanted}: only --as sampler has one; leave it out`, { usage: true });
    }
    const judge = given(typed, "judge");
    const count = whole(typed, "count", JUDGED.least, JUDGED.most);
    if (judge === undefined && count !== undefined) {
      throw new UserError("--count: it says how many images --judge looks at; give --judge too", {
        usage: true,
      });
    }
    const quick = typed.quick === true;
    if (quick && judge !== undefined) {
      throw new UserError("--quick: --judge looks at what the form draws; leave one of them out", {
        usage: true,
      });
    }
    const sampling = { sampler, steps, spacing, noise };
    return {
      model,
      as,
      sampling,
      guidance: guidanceWeight(typed),
      diet: typed.diet === true,
      quick,
      judging: judge === undefined ? undefined : { judge, count: count ?? JUDGED.usual },
      evaluation: given(typed, "eval"),
      out: given(typed, "out") ?? join(dirname(model), `${basename(model)}-${as}`),
    };
  },
  run: async (options) => (await import("../commands/export.js")).exportCommand(options),
});
