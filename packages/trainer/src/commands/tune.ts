/** `trainer tune`: the form of each convolution that is the fastest on this machine. */

import { availableParallelism, cpus } from "node:os";
import { dirname } from "node:path";
import {
  type ConvolutionForm,
  type Manifest,
  type MeasuredChoice,
  serializeFormTable,
  UserError,
} from "@onnx-diffusion/diffusion";
import { type Convolution, convolutionsOf, usualForm } from "@onnx-diffusion/graph-builder";
import { env } from "onnxruntime-node";
import { graphPath, readModelFolder } from "../artifacts.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { timeLeftLine } from "../progress.js";
import { explained, readGraph } from "../read-graph.js";
import { catchStopSignals, exitCodeAfter } from "../signals.js";
import { openTerminal, type Terminal } from "../terminal.js";
import { chooseForm, median } from "../tuning/choice.js";
import { type MeasureOptions, measure } from "../tuning/measure.js";
import { stepTime, type TunedConvolution, tunedLines } from "../tuning/table.js";

export interface TuneOptions {
  readonly artifacts: string;
  readonly batch: number;
  readonly threads: number | undefined;
  readonly rounds: number;
  /** The file of the table. */
  readonly out: string;
}

/** Measures, prints the table and writes it. @returns the exit code. */
export async function tuneCommand(options: TuneOptions): Promise<number> {
  const { artifacts, batch, rounds, out } = options;
  const model = readModelFolder(artifacts, "--artifacts");
  const path = graphPath(model, "inference_model");
  const graph = readGraph(path);
  const convolutions = explained(path, () => convolutionsOf(graph, parametersOf(model.manifest)));
  if (convolutions.length === 0) {
    throw new UserError(
      `${path}: found no Conv or ConvTranspose in float32 whose stride comes out even, of which a form can be chosen; ` +
        "there is nothing to tune",
    );
  }
  makeFolder(dirname(out));
  const terminal = openTerminal();
  const signals = catchStopSignals((name) => terminal.print(`${name}: stopping; nothing is written`));
  const threads = options.threads ?? availableParallelism();
  const { name } = model.manifest.network;
  try {
    terminal.print(
      `${name}: ${convolutions.length} shapes of convolutions, batch ${batch}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${rounds} rounds`,
    );
    const tuned = await tune(convolutions, { batch, threads, rounds, signal: signals.signal }, terminal);
    for (const line of tunedLines(tuned)) terminal.print(line);
    const [before, after] = [stepTime(tuned, (row) => row.usual), stepTime(tuned, (row) => row.chosen)];
    terminal.print(
      `the convolutions of a step: ${before.toFixed(1)} ms in their usual forms, ${after.toFixed(1)} in these`,
    );
    const measured = {
      network: name,
      ...{ batch, threads, rounds },
      processor: cpus()[0]?.model.trim() || "of no name",
      onnxruntime: env.versions.node ?? env.versions.common,
    };
    writeFileAtomic(out, serializeFormTable(measured, tuned.map(rowOf)));
    terminal.print(`written ${out}`);
    terminal.print(
      tuned.every(({ usual, chosen }) => chosen === usual)
        ? "every shape takes its usual form: a model emitted by this table is the one that you have"
        : `use it: graph-builder emit ${name} --forms ${out} --out DIR, with the other flags that ${artifacts} was emitted with`,
    );
    return 0;
  } catch (error) {
    return exitCodeAfter(error, signals);
  } finally {
    terminal.clear();
    signals.dispose();
  }
}

const parametersOf = ({ state }: Manifest): string[] =>
  state.filter(({ kind }) => kind === "parameter").map(({ name }) => name);

/** Measures one shape after the other and shows how long it will take. */
async function tune(
  convolutions: readonly Convolution[],
  options: MeasureOptions,
  terminal: Terminal,
): Promise<TunedConvolution[]> {
  const start = performance.now();
  const total = convolutions.reduce((sum, convolution) => sum + costOf(convolution), 0);
  const tuned: TunedConvolution[] = [];
  let done = 0;
  for (const convolution of convolutions) {
    const what = `shape ${tuned.length + 1}/${convolutions.length}`;
    const work = measure(convolution, options);
    let next = await work.next();
    while (next.done !== true) {
      const share = (done + next.value * costOf(convolution)) / total;
      const seconds = (performance.now() - start) / 1000;
      terminal.show(timeLeftLine(what, share, (seconds / share) * (1 - share), terminal.columns));
      next = await work.next();
    }
    done += costOf(convolution);
    const usual = usualForm(convolution);
    const ms: Partial<Record<ConvolutionForm, number>> = {};
    for (const [form, times] of next.value) ms[form] = median(times);
    tuned.push({ convolution, ms, usual, chosen: chooseForm(next.value, usual) });
  }
  terminal.clear();
  return tuned;
}

/** What a shape's time grows with: its multiplications, and something for each run. */
const costOf = ({ kernel, small, channels, filters }: Convolution): number =>
  1e6 + [...kernel, ...small, channels, filters].reduce((a, b) => a * b, 1);

function rowOf({ convolution, ms, chosen }: TunedConvolution): MeasuredChoice {
  const { kernel, stride, pad, large, channels, filters } = convolution;
  const rounded = Object.fromEntries(
    Object.entries(ms).map(([form, time]) => [form, Number(time.toPrecision(4))]),
  );
  return { kernel, stride, pad, large, channels, filters, form: chosen, ms: rounded };
}
