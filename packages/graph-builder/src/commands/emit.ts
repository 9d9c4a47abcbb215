import { readFile } from "node:fs/promises";
import path from "node:path";
import { type FormChoice, fileError, parseFormTable, UserError } from "@onnx-diffusion/diffusion";
import { modelFiles } from "../model-files.js";
import type { NetworkOptions, OptionValue } from "../network.js";
import { EMIT_TARGETS, type EmitTarget } from "../training/graphs.js";
import { loadNetwork } from "./load-network.js";
import { type TrainingFlags, trainingOptions } from "./training-flags.js";
import { writeFolder } from "./write-folder.js";

export interface EmitArguments extends TrainingFlags {
  readonly network: string;
  readonly out?: string | undefined;
  readonly option: readonly string[];
  readonly target?: string | undefined;
  readonly forms?: string | undefined;
}

/** `graph-builder emit`: makes the graphs and writes the folder. */
export async function emit(
  { network: wanted, out, option, target, forms: table, ...training }: EmitArguments,
  print: (line: string) => void,
): Promise<void> {
  const start = performance.now();
  const forms = table === undefined ? undefined : await readForms(table);
  const options = { ...trainingOptions(training), target: parseTarget(target), forms };
  const factory = await loadNetwork(wanted);
  const network = factory(parseOptions(option, factory.defaults, factory.name));
  const files = await modelFiles(network, options);
  const folder = out ?? path.join("models", network.name);
  await writeFolder(folder, files);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const megabytes = ([...files.values()].reduce((sum, bytes) => sum + bytes.length, 0) / 2 ** 20).toFixed(1);
  print(`${folder}: ${files.size} files, ${megabytes} MB, in ${seconds} s`);
  print(`train it: npx -y pnpm@12 trainer --artifacts ${folder} --steps 2500`);
}

async function readForms(file: string): Promise<FormChoice[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw fileError(`--forms: cannot read ${file}`, error);
  });
  return parseFormTable(text, file);
}

function parseTarget(text: string | undefined): EmitTarget | undefined {
  const target = EMIT_TARGETS.find((candidate) => candidate === text);
  if (target !== undefined || text === undefined) return target;
  throw new UserError(`--target ${text}: expected ${EMIT_TARGETS.join(", ")}`, { usage: true });
}

/** `key=value` texts as the types of the defaults. */
function parseOptions(texts: readonly string[], defaults: NetworkOptions, network: string): NetworkOptions {
  const known = Object.keys(defaults).join(", ") || "none";
  return Object.fromEntries(
    texts.map((text): [string, OptionValue] => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      const usual = key !== undefined && Object.hasOwn(defaults, key) ? defaults[key] : undefined;
      if (key === undefined || value === undefined || usual === undefined) {
        throw new UserError(
          `--option ${text}: ${key === undefined ? "expected key=value" : `${network} has no option "${key}"`}; its options are: ${known}`,
          { usage: true },
        );
      }
      return [key, parseValue(value, usual, `--option ${text}`)];
    }),
  );
}

function parseValue(text: string, usual: OptionValue, where: string): OptionValue {
  if (typeof usual === "string") return text;
  if (typeof usual === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw new UserError(`${where}: found "${text}", expected true or false`, { usage: true });
  }
  if (typeof usual === "number") return positive(text, where);
  const values = text.split(",").map((part) => positive(part, where));
  if (values.length === usual.length) return values;
  throw new UserError(
    `${where}: found ${values.length} numbers, expected ${usual.length} as in ${usual.join(",")}`,
    { usage: true },
  );
}

function positive(text: string, where: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 65536) return value;
  throw new UserError(`${where}: found "${text}", expected a whole number in 1..65536`, { usage: true });
}
