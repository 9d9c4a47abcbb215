/** `graph-builder inspect`: what is in a .onnx file. */
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import type { CommandModule } from "yargs";
import { type Inspection, inspectModel } from "../analysis/inspection.js";
import { formatShape } from "../dim.js";
import type { ModelValue } from "../model.js";
import { formatBytes, formatCount, formatFlops, formatNumber } from "./format.js";
import { externalPlaces, type ModelFile, openModel } from "./model-file.js";
import { type Column, plain, table } from "./table.js";
import { writeWhole } from "./write-whole.js";

interface InspectArguments {
  readonly model: string;
  readonly bind: readonly string[];
  readonly json: boolean;
  readonly svg?: string | undefined;
}

export const inspectCommand: CommandModule<unknown, InspectArguments> = {
  command: "inspect <model>",
  describe: "print what is in any .onnx file, and draw it",
  builder: (y) =>
    y
      .positional("model", { type: "string", demandOption: true, describe: "the .onnx file" })
      .option("bind", {
        type: "string",
        array: true,
        requiresArg: true,
        default: [] as string[],
        describe: "the value of a named size, for operations and memory: --bind batch=16",
      })
      .option("json", { type: "boolean", default: false, describe: "print JSON, with everything" })
      .option("svg", { type: "string", requiresArg: true, describe: "draw the graph into this file" })
      .example("$0 inspect model.onnx --bind batch=16", "inputs, outputs, operators, parameters, cost")
      .example("$0 inspect model.onnx --svg model.svg", "and a picture of the graph"),
  handler: (args) => inspect(args, (line) => process.stdout.write(`${line}\n`)),
};

/** Lists are this long at most; JSON has all of them. */
const LONGEST_LIST = 16;

async function inspect(
  { model: path, bind, json, svg }: InspectArguments,
  print: (line: string) => void,
): Promise<void> {
  const sizes = parseSizes(bind);
  const file = await openModel(path);
  const inspection = inspectModel(file.model, sizes);
  if (svg !== undefined) {
    const { drawModel } = await import("../drawing/draw.js");
    const text = await drawModel(file.model, path);
    await writeWhole(svg, new TextEncoder().encode(text)).catch((error: unknown) => {
      throw fileError(`cannot write ${svg}`, error);
    });
  }
  if (json) print(toJson(file, inspection));
  else for (const line of report(file, inspection, process.stdout.columns ?? 100)) print(plain(line));
}

/** `name=16` texts as numbers. */
function parseSizes(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    texts.map((text): [string, number] => {
      const at = text.lastIndexOf("=");
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      if (at > 0 && /^\d{1,9}$/.test(value)) return [name, Number(value)];
      throw new UserError(`--bind ${text}: expected NAME=SIZE with a whole number, such as batch=16`, {
        usage: true,
      });
    }),
  );
}

function* report(file: ModelFile, inspection: Inspection, width: number): Generator<string> {
  const { model } = file;
  const { inputs, outputs, operators, parameters, groups, constants, flops, activations } = inspection;
  const section = (title: string, rows: readonly (readonly string[])[], columns: readonly Column[]) => [
    "",
    title,
    ...table(rows, columns, width - 2).map((line) => `  ${line}`),
  ];
  yield file.path;
  yield headerOf(file);
  for (const [key, value] of Object.entries(model.metadata)) yield cutTo(`${key}: ${value}`, width);
  yield* section("inputs", shortened(inputs.map(valueRow), "input"), VALUE_COLUMNS);
  yield* section("outputs", shortened(outputs.map(valueRow), "output"), VALUE_COLUMNS);
  const nodes = operators.reduce((sum, { count }) => sum + count, 0);
  yield* section(
    `operators: ${formatCount(nodes, "node")}`,
    shortened(
      operators.map(({ name, count, flops: own }) => [
        name,
        formatNumber(count),
        own === undefined ? "" : formatFlops(own),
        own === undefined || !flops ? "" : percent(own / flops),
      ]),
      "operator",
    ),
    [{ flexible: true }, { right: true }, { right: true }, { right: true }],
  );
  if (parameters.elements > 0) {
    yield* section(
      `parameters: ${formatNumber(parameters.elements)}, ${formatBytes(parameters.bytes)}`,
      shortened(
        groups.map(({ name, elements, bytes }) => [
          name,
          formatNumber(elements),
          formatBytes(bytes),
          percent(elements / parameters.elements),
        ]),
        "group",
      ),
      [{ flexible: true }, { right: true }, { right: true }, { right: true }],
    );
  }
  yield "";
  if (constants.elements > 0)
    yield `constants: ${formatCount(constants.elements, "element")}, ${formatBytes(constants.bytes)}`;
  if (flops === undefined || !activations) {
    yield `operations, memory: not known: ${inspection.problem}`;
    return;
  }
  const sizes = Object.entries(inspection.sizes).map(([name, value]) => `${name} = ${value}`);
  yield `operations: ${formatFlops(flops)} a run${sizes.length > 0 ? ` at ${sizes.join(", ")}` : ""}`;
  yield `peak of activations: ${formatBytes(activations.bytes)}${activations.at ? `, at ${activations.at}` : ""}`;
}

const VALUE_COLUMNS: readonly Column[] = [{ flexible: true }, {}, { flexible: true }];

const valueRow = ({ name, dtype, shape }: ModelValue): string[] => [name, dtype, formatShape(shape)];

function headerOf({ bytes, model, header }: ModelFile): string {
  const producer = [header.producerName, header.producerVersion].filter(Boolean).join(" ");
  const opsets = [["", model.opset] as const, ...Object.entries(model.imports ?? {})].map(
    ([domain, version]) => `operator set ${domain === "" ? "" : `${domain} `}${version}`,
  );
  const places = externalPlaces(model.graph);
  const outside = [...new Set(places.map(({ location }) => location))].map((location) => {
    const length = places.reduce((sum, p) => (p.location === location ? sum + p.length : sum), 0);
    return `${formatBytes(length)} in ${location}`;
  });
  return [
    formatBytes(bytes),
    ...outside,
    ...opsets,
    `IR ${header.irVersion ?? 0}`,
    producer && `by ${producer}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The first rows, and how many more there are. */
function shortened(rows: readonly string[][], what: string): string[][] {
  if (rows.length <= LONGEST_LIST) return [...rows];
  const rest = rows.length - LONGEST_LIST + 1;
  return [...rows.slice(0, LONGEST_LIST - 1), [`… ${formatCount(rest, `more ${what}`)}`]];
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

function cutTo(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function toJson({ path, bytes, model, header }: ModelFile, inspection: Inspection): string {
  const { inputs, outputs, operators, parameters, groups, constants, ...cost } = inspection;
  return JSON.stringify(
    {
      file: path,
      bytes,
      irVersion: Number(header.irVersion ?? 0n),
      producer: { name: header.producerName ?? "", version: header.producerVersion ?? "" },
      operatorSets: { "ai.onnx": model.opset, ...model.imports },
      metadata: model.metadata,
      externalFiles: [...new Set(externalPlaces(model.graph).map(({ location }) => location))],
      inputs,
      outputs,
      operators,
      parameters: { elements: parameters.elements, bytes: parameters.bytes, groups },
      constants: { elements: constants.elements, bytes: constants.bytes },
      ...cost,
    },
    undefined,
    2,
  );
}
