// The demo: a diffusion model authored, trained on MNIST and sampled, in a few minutes on a laptop.
// `npx -y pnpm@12 demo`, or with more training: `npx -y pnpm@12 demo --steps 25000`.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  configurationOf,
  differences,
  listCheckpoints,
  newestCheckpoint,
  readModelFolder,
  runFolder,
  runTrainer,
  TRAIN_DEFAULTS,
} from "@onnx-diffusion/trainer";
import { readNumber } from "./read-number.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** About four minutes on two cores. */
const STEPS = 1500;
/**
 * Twenty times the practical's rate: in so few steps it brings strokes on black where 1e-4 still leaves noise. It falls to
 * 0, since at such a rate every step shakes what was learnt before.
 */
const RATES = { learningRate: 2e-3, lrScheduler: "cosine", lrWarmupSteps: 100 };
const NETWORK = "unet-time";
const ARTIFACTS = join("models", NETWORK);
/** So early the network hears the class, and whispers it. */
const GUIDANCE = 3;

process.chdir(ROOT);
process.exitCode = await demo();

/** @returns the exit code. */
async function demo() {
  const range = { least: 1, most: 2 ** 31 - 1, expected: "a whole number above 0" };
  const steps = readNumber("demo", "steps", STEPS, range);
  if (steps === undefined) return 2;

  say(
    "1/3  Authoring: a U-Net that is told the digit and the time, its loss, its gradient and Adam, written as ONNX graphs.",
  );
  const emitted = emit();
  if (emitted !== 0) return emitted;

  const { folder, done } = chooseRun();
  if (done >= steps) {
    say(`2/3  Training: ${folder} has ${done} steps already.`);
    note(`More: npx -y pnpm@12 demo --steps ${done + STEPS}. From the start: delete ${folder}.`);
  } else {
    say(
      `2/3  Training on MNIST${done > 0 ? `, going on at step ${done}` : ""}: ${steps} steps of 16 images.`,
    );
    note("Ctrl-C stops and keeps what was learnt; the same command goes on from there.");
    note(`Sample grids and the loss curve appear in ${folder} meanwhile.`);
    const code = await train(folder, steps, done > 0);
    if (code > 2) note("To go on: npx -y pnpm@12 demo, with the same --steps if you gave any.");
    if (code !== 0) return code;
  }

  say("3/3  Sampling: ten digits from pure noise, one of each class, by the exported model.");
  const picture = join(folder, "digits.png");
  const code = await sample(folder, picture, Math.max(steps, done));
  if (code !== 0) return code;

  const run = runFolder(folder);
  say("Done. Look at:");
  note(`${picture}   the ten digits`);
  note(`${run.samples}   grids drawn on the way, beside real digits`);
  note(`${run.lossPng}   the loss curve`);
  note(`${run.model}   the model: ONNX and safetensors, can be hosted as it is`);
  return 0;
}

/** Writes the model folder; the same bytes every time, so it may be there already. */
function emit() {
  const cli = join("packages", "graph-builder", "dist", "cli.js");
  const { status } = spawnSync(process.execPath, [cli, "emit", NETWORK, "--out", ARTIFACTS], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status === 0) note(`${ARTIFACTS} is written.`);
  return status ?? 1;
}

/**
 * The run folder: the first of runs/demo, runs/demo-2, ... that is new or holds a run of these very graphs.
 *
 * @returns the folder and the steps that it has.
 */
function chooseRun() {
  const { manifest } = readModelFolder(ARTIFACTS, "--artifacts");
  for (let number = 1; ; number++) {
    const folder = join("runs", number === 1 ? "demo" : `demo-${number}`);
    const { checkpoints } = runFolder(folder);
    if (listCheckpoints(checkpoints).length === 0) return { folder, done: 0 };
    try {
      const { step, configuration } = newestCheckpoint(checkpoints).checkpoint;
      const { dataDigest } = configuration;
      const { data, batch, seed } = TRAIN_DEFAULTS;
      const now = configurationOf(manifest, { data, dataDigest, batch, ...RATES, seed });
      const found = differences(now, configuration);
      if (found.length === 0) return { folder, done: step };
      note(`${folder} holds another run: ${found[0]}; it is left alone.`);
    } catch (error) {
      note(`${error.message}`);
    }
  }
}

function train(folder, steps, resume) {
  // three grids on the way, the last one after the last step
  const sampleEvery = Math.max(1, Math.ceil(steps / 3));
  const words = ["--artifacts", ARTIFACTS, "--steps", steps, "--out", folder, "--sample-every", sampleEvery];
  const { learningRate, lrScheduler, lrWarmupSteps } = RATES;
  words.push("--lr", learningRate, "--lr-scheduler", lrScheduler, "--lr-warmup-steps", lrWarmupSteps);
  return runTrainer([...words.map(String), ...(resume ? ["--resume"] : [])]);
}

/** The seed follows the training, so that each longer one shows other digits. */
function sample(folder, out, steps) {
  const { model } = runFolder(folder);
  const words = ["sample", "--model", model, "--count", 10, "--labels", "0-9", "--seed", steps];
  words.push("--guidance", GUIDANCE, "--out", out);
  return runTrainer(words.map(String));
}

function say(line) {
  console.log(`\n${line}`);
}

function note(line) {
  console.log(`     ${line}`);
}
