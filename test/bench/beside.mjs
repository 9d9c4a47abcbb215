/**
 * What data, noise, pictures and checkpoints cost beside the runtime. Blocks of 500 steps as `trainer` takes them (batches,
 * metrics, a checkpoint with its export, before every second one a preview), the same with the loop's own thread saving
 * (and waiting for the disk), and the same steps on a batch that is there already take turns in one process, in one session.
 *
 *   node test/bench/beside.mjs [--artifacts models/unet-cond] [--cycles 8] [--threads 2]
 *
 * By the clock: the time of a cycle of 1,000 steps against that of the 1,000 without. The machine's other work gets into that, so
 * the threads' own accounts are told as well: a cycle cannot cost more than the time in which the loop's thread is outside
 * of `session.run`, and the time that the other threads take from ONNX Runtime's. Linux alone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { readModelFolder } from "../../packages/trainer/dist/artifacts.js";
import { batchMaker } from "../../packages/trainer/dist/batches.js";
import { openChunkSource } from "../../packages/trainer/dist/chunk-source.js";
import { configurationOf } from "../../packages/trainer/dist/configuration.js";
import { loadDataset } from "../../packages/trainer/dist/data/index.js";
import { createTrainingSession } from "../../packages/trainer/dist/devices.js";
import { makeFolder } from "../../packages/trainer/dist/files.js";
import { classGrid } from "../../packages/trainer/dist/grid.js";
import { createPainter } from "../../packages/trainer/dist/painter.js";
import { chunkSteps } from "../../packages/trainer/dist/plan.js";
import { runFolder } from "../../packages/trainer/dist/run-folder.js";
import { createSaver } from "../../packages/trainer/dist/saver.js";
import { saveSnapshot } from "../../packages/trainer/dist/saving.js";
import { initialState } from "../../packages/trainer/dist/state.js";
import { createStepper } from "../../packages/trainer/dist/stepper.js";
import { startThread } from "../../packages/trainer/dist/thread.js";
import { TRAIN_DEFAULTS } from "../../packages/trainer/dist/train-defaults.js";
import { runTraining } from "../../packages/trainer/dist/training.js";
import { newThreads, threadIds, threadTimes } from "./threads.mjs";

const { values: args } = parseArgs({
  options: {
    artifacts: { type: "string", default: "models/unet-cond" },
    cycles: { type: "string", default: "8" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const [cycles, threads] = [Number(args.cycles), Number(args.threads)];
const { batch, seed, learningRate, saveEvery, sampleEvery, keep, data } = TRAIN_DEFAULTS;
/** Where a block begins: a preview that follows a checkpoint is done before the block is. */
const OFFSET = saveEvery / 2;

const folder = mkdtempSync(path.join(tmpdir(), "beside-"));
const run = runFolder(folder);
makeFolder(run.checkpoints);
const model = readModelFolder(args.artifacts, "--artifacts");
const { manifest } = model;
const { channels, height, width } = manifest.image;
const most = chunkSteps("cpu", batch, channels * height * width);

// Threads are told apart by when they come: Node's own first.
await stat(folder);
const loop = String(process.pid);
const nodes = threadIds();
const { session, ...kind } = await createTrainingSession(model, "cpu", { threads });
const groups = { "ONNX Runtime": newThreads(nodes) };
const spans = timed(session);
const grid = classGrid(manifest.classes, 2);
const { port1, port2 } = new MessageChannel();
let known = threadIds();
let painter;
const batches = await startBatches();
groups.batches = newThreads(known);
known = threadIds();

const stepperOf = (state) =>
  createStepper({ manifest, session: { ...kind, session }, learningRate: () => learningRate, state });
const trained = stepperOf(initialState(manifest, seed));
/** Whether the saving thread saves, as it does in a run; else the loop's thread does. */
let beside = true;
let saver;
const train = await startTraining();
const blocks = {
  with: () => {
    beside = true;
    return train();
  },
  "saved by the loop": () => {
    beside = false;
    return train();
  },
  without: await startBare(),
};

const found = [];
for (let cycle = 0; cycle < cycles; cycle++) {
  const names = Object.keys(blocks);
  const parts = Object.fromEntries(names.map((name) => [name, []]));
  for (let part = 0; part < sampleEvery / saveEvery; part++) {
    // The order changes, so that what drifts counts for all.
    for (const name of part % 2 === 0 ? names : names.toReversed())
      parts[name].push(await account(blocks[name]));
  }
  const sum = (blocks) =>
    Object.fromEntries(
      Object.keys(blocks[0]).map((key) => [key, blocks.reduce((all, b) => all + b[key], 0)]),
    );
  const [w, l, o] = names.map((name) => sum(parts[name]));
  found.push({ w, l, o });
  const numbers = (one) =>
    Object.entries(one)
      .map(([key, value]) => `${key} ${value.toFixed(2)}`)
      .join(", ");
  console.log(
    `cycle ${cycle + 1}, seconds: by the clock ${(100 * (w.clock / o.clock - 1)).toFixed(1)} % more`,
  );
  for (const [i, one] of [w, l, o].entries()) console.log(`  ${names[i]}: ${numbers(one)}`);
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const percent = (value) => `${(100 * value).toFixed(2)} %`;
const share = (of) => percent(median(found.map(({ w, o }) => of(w, o) / o.clock)));
const others = (one) => one.batches + one.pictures + one.saves + one.rest;
console.log(`medians of ${cycles} cycles of ${sampleEvery} steps, ${threads} threads, of the time without:`);
console.log(`  by the clock                                      ${share((w, o) => w.clock - o.clock)}`);
console.log(`  outside of session.run                            ${share((w, o) => w.outside - o.outside)}`);
console.log(
  `  the same, saved by the loop's thread              ${percent(median(found.map(({ l, o }) => (l.outside - o.outside) / o.clock)))}`,
);
console.log(`  processor: batches                                ${share((w, o) => w.batches - o.batches)}`);
console.log(
  `  processor: pictures                               ${share((w, o) => w.pictures - o.pictures)}`,
);
console.log(`  processor: saves                                  ${share((w, o) => w.saves - o.saves)}`);
console.log(`  processor: Node's own threads                     ${share((w, o) => w.rest - o.rest)}`);
console.log(
  `  at most (all of these, with ${threads} processors)         ${share((w, o) => w.outside - o.outside + others(w) - others(o))}`,
);
console.log(
  `  at least (the others' shared by all processors)   ${share((w, o) => w.outside - o.outside + (others(w) - others(o)) / threads)}`,
);

painter.cancel();
await saver.dispose();
batches.post({ type: "stop" });
port2.close();
await Promise.all([batches.ended, painter.ended]);
await session.release();
rmSync(folder, { recursive: true });

/** Counts the seconds within `run`. */
function timed(of) {
  const spans = { inside: 0 };
  const plain = of.run.bind(of);
  of.run = async (feeds) => {
    const start = performance.now();
    const results = await plain(feeds);
    spans.inside += (performance.now() - start) / 1000;
    return results;
  };
  return spans;
}

/** The batch worker as a run has it. Resolves when the data set is read. */
function startBatches() {
  return new Promise((resolve, reject) => {
    const workerData = { manifest, data, dataDir: undefined, seed, batch, wanted: grid, port: port1 };
    const thread = startThread({
      ...{ file: "batch-worker.js", workerData, ports: [port1], onFailure: reject },
      onReport(report) {
        if (report.type !== "data") return;
        const { real, classNames, digest } = report;
        painter = createPainter({ run, seed, grid, classNames, real, manifest, onEvent: painted });
        resolve(Object.assign(thread, { digest }));
      },
    });
  });
}

function painted(event) {
  if (event.type === "notDrawn") throw new Error(event.reason);
}

/** Steps as a run takes them, up to the first block. */
async function startTraining() {
  const to = OFFSET + 2 * cycles * sampleEvery;
  const plan = { from: 0, to, stops: [saveEvery, sampleEvery, OFFSET], most };
  const source = openChunkSource(port2, plan);
  const configuration = configurationOf(manifest, {
    ...{ data, dataDigest: batches.digest, batch, learningRate, seed },
  });
  const saving = { model, run, configuration, device: "cpu", to: to + 1, keep };
  saver = createSaver(saving);
  let waitedFor;
  const save = (snapshot) => {
    if (!beside) {
      waitedFor = saveSnapshot(saving, snapshot);
      return waitedFor;
    }
    const before = threadIds();
    const outcome = saver.save(snapshot);
    groups.saves ??= newThreads(before);
    return outcome;
  };
  const next = async () => {
    await waitedFor;
    return source.next();
  };
  const events = runTraining({
    ...{ run, stepper: trained, source: { next }, from: 0, smoothed: undefined, to: to + 1 },
    ...{ saveEvery, sampleEvery, save, stopped: () => false },
  });
  let step = 0;
  const take = async (count) => {
    for (const end = step + count; step < end; ) {
      const { value } = await events.next();
      if (value.type === "steps") step += value.losses.length;
      if (value.type === "saved" && value.step % sampleEvery === 0) painter.preview();
    }
  };
  await take(OFFSET);
  return () => take(saveEvery);
}

/** The same runs from the same state, on batches that are there. */
async function startBare() {
  const shape = { split: "train", channels: 3, height: 32, width: 32 };
  const make = batchMaker(manifest, await loadDataset(data, shape), { seed, batch });
  const chunks = new Map();
  const take = async (stepper, count) => {
    for (let left = count; left > 0; ) {
      const steps = Math.min(left, most);
      if (!chunks.has(steps)) chunks.set(steps, make({ first: 1, steps }));
      await stepper.run(chunks.get(steps));
      left -= steps;
    }
  };
  return async () => {
    const stepper = stepperOf(trained.state);
    await take(stepper, OFFSET);
    await take(stepper, saveEvery - OFFSET);
  };
}

/** Seconds of a block: by the clock, outside of `session.run`, and on a processor by what the thread is for. */
async function account(block) {
  const before = { threads: threadTimes(), usage: process.cpuUsage(), clock: performance.now(), ...spans };
  await block();
  const clock = (performance.now() - before.clock) / 1000;
  const { user, system } = process.cpuUsage(before.usage);
  const after = threadTimes();
  const of = (ids, what) =>
    ids.reduce((sum, id) => sum + (after.get(id)?.[what] ?? 0) - (before.threads.get(id)?.[what] ?? 0), 0);
  const saves = groups.saves ?? [];
  groups.pictures = newThreads(known).filter((id) => !saves.includes(id));
  const runtime = [loop, ...groups["ONNX Runtime"]];
  const seconds = Object.fromEntries(
    [...Object.entries(groups), ["loop", [loop]]].map(([name, ids]) => [name, of(ids, "ran")]),
  );
  const all = Object.values(seconds).reduce((a, b) => a + b, 0);
  return {
    ...{ clock, outside: clock - (spans.inside - before.inside), waited: of(runtime, "waited") },
    ...{ saves: 0, ...seconds },
    rest: (user + system) / 1e6 - all,
  };
}
