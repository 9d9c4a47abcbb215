import { UserError } from "@onnx-diffusion/diffusion";
import type { DataOptions } from "../commands/data.js";
import { cachePath } from "../data/cache.js";
import { DATASET_NAMES, DATASETS, findDataset } from "../data/index.js";
import { oneOf } from "../flags.js";
import { defineCommand, given, output, text, toggle } from "./command.js";

const WIDEST = Math.max(...DATASET_NAMES.map((name) => name.length));

export const dataLine = defineCommand<DataOptions>({
  name: "data",
  words: { dataset: "Data set" },
  usage: `trainer data NAME [flags]

Gets a data set where it has to be got, checks it, and says what is in it. Data sets that --data can name:

${DATASETS.map(({ description }, i) => `  ${DATASET_NAMES[i]!.padEnd(WIDEST)}  ${description}`).join("\n")}

What was got is kept in ${cachePath([])} (ONNX_DIFFUSION_CACHE names another folder).`,
  examples: [
    ["trainer data cifar10", "fetch CIFAR-10, so that --data cifar10 finds it"],
    ["trainer data folder:photos --preview", "how a network will see your images"],
  ],
  flags: {
    preview: toggle("Draw some images of each class"),
    out: text("Picture to write with --preview, a .png file [default: <name>.png]"),
    from: text("The one source to get it from [default: the first that works]"),
    "data-dir": text("Folder with your own copy of the data set's files"),
  },
  options(typed) {
    const name = given(typed, "dataset");
    if (name === undefined) {
      throw new UserError(
        `data: which data set? expected one of ${DATASET_NAMES.join(", ")}; see trainer data --help`,
        {
          usage: true,
        },
      );
    }
    const { entry } = findDataset("data", name);
    const [dataDir, from, out] = [
      given(typed, "data-dir"),
      given(typed, "from"),
      output(typed, "out", ".png"),
    ];
    const preview = typed.preview === true;
    if (out !== undefined && !preview) {
      throw new UserError("--out: only --preview writes a picture; add it, or leave --out out", {
        usage: true,
      });
    }
    if (from !== undefined) {
      const sources = dataDir === undefined ? (entry.fetchable?.sources ?? []) : [];
      if (sources.length === 0) {
        throw new UserError(`--from: ${name} is not got from anywhere here; leave the flag out`, {
          usage: true,
        });
      }
      oneOf(
        "--from",
        from,
        sources.map((source) => source.name),
      );
    }
    return { name, dataDir, from, preview, out: out ?? `${entry.name}.png` };
  },
  run: async (options) => (await import("../commands/data.js")).dataCommand(options),
});
