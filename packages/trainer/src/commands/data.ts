/** `trainer data`: gets a data set, checks it, and shows what is in it. */

import { dirname } from "node:path";
import { cachePath } from "../data/cache.js";
import { fetchDataset } from "../data/fetching.js";
import { type Dataset, findDataset, loadDataset } from "../data/index.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { previewPng } from "../pictures/index.js";
import { withCommas } from "../pictures/theme.js";
import { bytesText, shareLine } from "../progress.js";
import { catchStopSignals, exitCodeAfter } from "../signals.js";
import { openTerminal, type Terminal } from "../terminal.js";

export interface DataOptions {
  /** Such as `mnist` or `folder:photos`. */
  readonly name: string;
  readonly dataDir: string | undefined;
  /** The one source to get it from; undefined: the first that works. */
  readonly from: string | undefined;
  readonly preview: boolean;
  /** The picture. */
  readonly out: string;
}

/** As the networks here take images. */
const SHAPE = { channels: 3, height: 32, width: 32 } as const;

/** Gets, checks, tells. @returns the exit code. */
export async function dataCommand(options: DataOptions): Promise<number> {
  const { name, dataDir } = options;
  const terminal = openTerminal();
  const signals = catchStopSignals((received) => {
    terminal.print(`${received}: stopping; what has arrived is kept, the same command goes on from there`);
  });
  const { signal } = signals;
  try {
    if (dataDir === undefined) await get(options, terminal, signal);
    const load = (split: "train" | "test") =>
      loadDataset(name, {
        split,
        dataDir,
        signal,
        ...SHAPE,
        onProgress: (done, total) =>
          terminal.show(shareLine(`reading ${name}`, done / total, terminal.columns)),
        // both splits of a folder warn of the same files
        onWarning: (text) => split === "train" && terminal.print(`warning: ${text}`),
      });
    const [train, test] = [await load("train"), await load("test")];
    terminal.clear();
    const { classNames } = train;
    terminal.print(
      `${name}: ${withCommas(train.count)} images to train on, ${withCommas(test.count)} to test with; ` +
        `${classNames.length} ${classNames.length === 1 ? "class" : "classes"}`,
    );
    const counts = [countsOf(train), countsOf(test)] as const;
    const widest = Math.max(...classNames.map((each) => each.length));
    for (const [i, each] of classNames.entries()) {
      const [many, few] = counts.map((of) => withCommas(of[i] ?? 0).padStart(7));
      terminal.print(`  ${each.padEnd(widest)} ${many} ${few}`);
    }
    if (options.preview) {
      makeFolder(dirname(options.out));
      writeFileAtomic(options.out, await previewPng(train, name));
      terminal.print(`written ${options.out}`);
    }
    return 0;
  } catch (error) {
    return exitCodeAfter(error, signals);
  } finally {
    terminal.clear();
    signals.dispose();
  }
}

/** Gets the files into the cache, where the data set is such a one. */
async function get({ name, from }: DataOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { entry } = findDataset("data", name);
  if (entry.fetchable === undefined) return;
  const folder = cachePath([entry.name]);
  let said = 0;
  for await (const event of fetchDataset(entry.fetchable, { folder, from, signal })) {
    if (event.type === "note") {
      terminal.clear();
      terminal.print(event.text);
      continue;
    }
    const { what, done, total } = event;
    terminal.show(shareLine(`${what} ${sizes(done, total)}`, done / total, terminal.columns));
    // where nobody watches, a line for each tenth
    const tenth = Math.floor((10 * done) / total);
    if (!terminal.live && tenth !== said) {
      said = tenth;
      terminal.print(`${what} ${sizes(done, total)}`);
    }
  }
  terminal.clear();
}

/** Of a download; of parts of other work nothing. */
const sizes = (done: number, total: number): string =>
  total > 1000 ? `${bytesText(done)} of ${bytesText(total)}` : `${done} of ${total}`;

function countsOf(dataset: Dataset): number[] {
  const labels = new Int32Array(dataset.count);
  dataset.labels(Uint32Array.from(labels.keys()), labels);
  const counts = new Array<number>(dataset.classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}
