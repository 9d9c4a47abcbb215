/** `graph-builder grad`: the gradient of a model that somebody else made. */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import type { CommandModule } from "yargs";
import { gradientModel, gradientName } from "../gradient-model.js";
import type { Model } from "../model.js";
import { loadExternalData } from "../onnx/external-data.js";
import { writeOnnx } from "../onnx/write.js";
import { formatBytes, formatCount } from "./format.js";
import { externalPlaces, findExternal, LARGEST_FILE, type ModelFile, openModel } from "./model-file.js";
import { writeWhole } from "./write-whole.js";

interface GradArguments {
  readonly model: string;
  readonly of: string;
  readonly wrt: readonly string[];
  readonly out: string;
  readonly sum: boolean;
}

export const gradCommand: CommandModule<unknown, GradArguments> = {
  command: "grad <model>",
  describe: "write the gradient of any .onnx file",
  builder: (y) =>
    y
      .positional("model", { type: "string", demandOption: true, describe: "the .onnx file" })
      .option("of", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "the result: a floating-point value that is one number, such as a loss",
      })
      .option("wrt", {
        type: "string",
        array: true,
        demandOption: true,
        requiresArg: true,
        describe: "what to differentiate by: inputs, initializers or values in between, with commas",
      })
      .option("out", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "the file to write; one of that name is replaced",
      })
      .option("sum", {
        type: "boolean",
        default: false,
        describe: "the result is more than one number: take its sum",
      })
      .example(
        "$0 grad model.onnx --of loss --wrt x,w1 --out grad.onnx",
        "the outputs of model.onnx, then x_grad and w1_grad",
      )
      .epilogue(
        "The new file has the inputs and outputs of the old one, then <name>_grad for each name, and is of operator set 21. Weights that lie in other files stay there where it is written into the same folder; elsewhere it holds them itself.",
      ),
  handler: (args) => grad(args, (line) => process.stdout.write(`${line}\n`)),
};

async function grad(args: GradArguments, print: (line: string) => void): Promise<void> {
  const { of, out, sum } = args;
  const source = await openModel(args.model);
  const wrt = args.wrt.flatMap((names) => splitNames(names, source.model));
  const places = externalPlaces(source.model.graph);
  const folder = path.dirname(source.path);
  await refuseSources(out, [source.path, ...places.map(({ location }) => path.join(folder, location))]);
  const stays = path.resolve(folder) === path.resolve(path.dirname(out));
  for (const place of stays ? places : []) await findExternal(folder, place);
  const model = gradientModel(source.model, { of, wrt, sum });
  const bytes = stays ? writeOnnx(model) : await writeWithWeights(model, source, out);
  await writeWhole(out, bytes).catch((error: unknown) => {
    throw fileError(`cannot write ${out}`, error);
  });
  const files = [...new Set(places.map(({ location }) => location))].sort();
  print(
    `${out}: ${formatCount(model.graph.nodes.length, "node")}, ${formatBytes(bytes.length)}${stays && files.length > 0 ? `; weights stay in ${files.join(", ")}` : ""}`,
  );
  const declared = new Map(model.graph.outputs.map((value) => [value.name, value]));
  for (const name of new Set(wrt)) {
    const { dtype, shape } = declared.get(gradientName(name))!;
    print(`  ${gradientName(name)}  ${dtype} [${shape.join(", ")}]`);
  }
}

/** Names with commas between them; a value's name may have commas in it, too. */
function splitNames(text: string, { graph }: Model): string[] {
  const whole =
    graph.nodes.some(({ outputs }) => outputs.includes(text)) ||
    [...graph.inputs, ...graph.initializers].some(({ name }) => name === text);
  const names = whole ? [text] : text.split(",").map((name) => name.trim());
  if (!names.includes("")) return names;
  throw new UserError(
    `--wrt ${text}: a name is empty; expected names with commas between them, such as x,w1`,
    {
      usage: true,
    },
  );
}

/** The file that is written must be none of those that are read. */
async function refuseSources(out: string, sources: readonly string[]): Promise<void> {
  const target = await realpath(out).catch(() => path.resolve(out));
  for (const source of new Set(sources)) {
    if ((await realpath(source).catch(() => path.resolve(source))) !== target) continue;
    throw new UserError(`--out ${out}: this is the model's own file ${source}; choose another name`, {
      usage: true,
    });
  }
}

async function writeWithWeights(model: Model, source: ModelFile, out: string): Promise<Uint8Array> {
  const size = externalPlaces(model.graph).reduce((sum, { length }) => sum + length, 0);
  const refuse = (bytes: number): never => {
    throw new UserError(
      `--out ${out}: with its weights the file has ${formatBytes(bytes)}, but an ONNX file has at most ${formatBytes(LARGEST_FILE)}; write it into ${path.dirname(source.path)}, where the weights can stay in their files`,
      { usage: true },
    );
  };
  if (size > LARGEST_FILE) refuse(size);
  const bytes = writeOnnx(await loadExternalData(model, source.read));
  return bytes.length > LARGEST_FILE ? refuse(bytes.length) : bytes;
}
