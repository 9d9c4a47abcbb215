/**
 * What data, noise, pictures and checkpoints cost beside the runtime: `trainer` as it comes, against the same steps of the
 * training loop on one batch that is there already, in turns. Also what memory the trainer holds as the run goes on.
 *
 *   node test/bench/beside.mjs [--artifacts models/unet-cond] [--steps 2000] [--rounds 2] [--threads 2]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readModelFolder } from "../../packages/trainer/dist/artifacts.js";
import { batchMaker } from "../../packages/trainer/dist/batches.js";
import { loadDataset } from "../../packages/trainer/dist/data/index.js";
import { createTrainingSession } from "../../packages/trainer/dist/devices.js";
import { chunkSteps } from "../../packages/trainer/dist/plan.js";
import { initialState } from "../../packages/trainer/dist/state.js";
import { createStepper } from "../../packages/trainer/dist/stepper.js";

const { values: args } = parseArgs({
  options: {
    artifacts: { type: "string", default: "models/unet-cond" },
    steps: { type: "string", default: "2000" },
    rounds: { type: "string", default: "2" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const [steps, rounds, threads] = ["steps", "rounds", "threads"].map((name) => Number(args[name]));
const BATCH = 16;
/** From here on the clock counts: sessions are made, memory is set up. */
const WARM = 200;

/** Seconds from step WARM to the last one, as the run's own lines say. */
async function trained() {
  const folder = mkdtempSync(path.join(tmpdir(), "beside-"));
  const cli = fileURLToPath(new URL("../../packages/trainer/dist/cli.js", import.meta.url));
  // one step more, so that the last picture, for which the run waits, does not count
  const asked = ["--artifacts", args.artifacts, "--steps", String(steps + 1), "--threads", args.threads];
  const child = spawn(process.execPath, [cli, ...asked, "--out", path.join(folder, "run")], {
    stdio: "ignore",
  });
  const memory = [];
  const watch = setInterval(() => {
    try {
      const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      if (kibibytes) memory.push(Number(kibibytes) / 1024);
    } catch {
      // it has ended
    }
  }, 500);
  await new Promise((resolve) => child.on("exit", resolve));
  clearInterval(watch);
  const lines = readFileSync(path.join(folder, "run", "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  const at = (step) => Date.parse(JSON.parse(lines[step - 1]).time);
  const seconds = (at(steps) - at(WARM)) / 1000;
  rmSync(folder, { recursive: true });
  return { seconds, memory };
}

const model = readModelFolder(args.artifacts, "--artifacts");
const dataset = await loadDataset("mnist", { split: "train", channels: 3, height: 32, width: 32 });

/** Seconds of as many steps of the loop alone. */
async function bare() {
  const session = await createTrainingSession(model, "cpu", { threads });
  const state = initialState(model.manifest, 0);
  const stepper = createStepper({ manifest: model.manifest, session, learningRate: () => 1e-4, state });
  const chunk = batchMaker(model.manifest, dataset, { seed: 0, batch: BATCH })({
    first: 1,
    steps: chunkSteps(BATCH),
  });
  let start = 0;
  let done = 0;
  for (; done < steps; done += chunk.steps) {
    if (start === 0 && done >= WARM) start = performance.now();
    await stepper.run(chunk);
  }
  const seconds = (performance.now() - start) / 1000;
  await stepper.dispose();
  // a run is a whole number of chunks
  return (seconds * (steps - WARM)) / (done - Math.ceil(WARM / chunk.steps) * chunk.steps);
}

const pairs = [];
for (let round = 0; round < rounds; round++) {
  const alone = await bare();
  const { seconds, memory } = await trained();
  pairs.push(seconds / alone);
  const mebibytes = (share) => memory[Math.floor(memory.length * share)]?.toFixed(0);
  console.log(
    `steps ${WARM} to ${steps}: loop alone ${alone.toFixed(1)} s, trainer ${seconds.toFixed(1)} s, ${(100 * (seconds / alone - 1)).toFixed(1)} % more; ` +
      `trainer's memory after a fifth, a half and nine tenths of the run: ${[0.2, 0.5, 0.9].map(mebibytes).join(", ")} MiB`,
  );
}
pairs.sort((a, b) => a - b);
console.log(`median: ${(100 * (pairs[pairs.length >> 1] - 1)).toFixed(1)} % beside the runtime`);
