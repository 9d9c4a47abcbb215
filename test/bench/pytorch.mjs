/**
 * Whole training steps of unet-cond (data, noise, loss, gradient, Adam) and sampling against the practical's network in
 * PyTorch: same threads, same batch, float32, in turns in one run, medians. The floor is the arithmetic of the convolutions
 * at the rate of one large MatMul in the same run: 2048^3 in ONNX Runtime on the CPU, 8192^3 in PyTorch on a GPU.
 *
 *   node test/bench/pytorch.mjs --python VENV/bin/python [--batch 16] [--rounds 7] [--steps 8] [--threads 2]
 *     [--modes eager,compile,diffusers] [--model models/unet-cond/trained]
 *
 * On a GPU, one command for all of it:
 *
 *   node test/bench/pytorch.mjs --device cuda --python python3 --modes eager,compile --batch 16,128,512 [--tf32 off]
 *
 * Before, `trainer doctor --device cuda` says whether ONNX Runtime's provider is complete (docs/DEPENDENCIES.md). The graphs are
 * emitted for CUDA. `compile` is torch.compile with CUDA graphs (mode="reduce-overhead"). TF32 is alike on both sides, on unless
 * it is turned off. There batches are made before the clock starts, as the trainer makes them beside the steps, and PyTorch
 * finds its images on the card. A run of the loop takes the state there and back: --steps (there 64) is how many share that.
 *
 * With --model, sampling as well. The environment needs what test/golden/requirements.txt names. `diffusers` is the eager
 * network within the loop of diffusers' schedulers, and takes part in sampling alone.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildModel, input, matmul, modelFiles, unetCond, writeOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { readModelFolder } from "../../packages/trainer/dist/artifacts.js";
import { batchMaker } from "../../packages/trainer/dist/batches.js";
import { loadDataset } from "../../packages/trainer/dist/data/index.js";
import { createTrainingSession } from "../../packages/trainer/dist/devices.js";
import { nodesFinding } from "../../packages/trainer/dist/doctor/nodes.js";
import { createDrawingSession } from "../../packages/trainer/dist/drawing-session.js";
import { drawImages } from "../../packages/trainer/dist/sampling.js";
import { initialState } from "../../packages/trainer/dist/state.js";
import { createStepper } from "../../packages/trainer/dist/stepper.js";
import { unetGflop } from "./unet-gflop.mjs";

const { values: args } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    /** Default: models/unet-cond, or the same emitted for CUDA. */
    artifacts: { type: "string" },
    /** Exported model for sampling; without it sampling is left out. */
    model: { type: "string" },
    /** One or more, with commas. */
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "7" },
    steps: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    modes: { type: "string", default: "eager" },
    device: { type: "string", default: "cpu" },
    tf32: { type: "string", default: "on" },
  },
});
const cuda = args.device === "cuda";
// Read by NVIDIA's libraries when they are loaded, here and in PyTorch's processes: ONNX Runtime's own option cannot be set from Node.
if (args.tf32 === "off") process.env.NVIDIA_TF32_OVERRIDE = "0";
const [rounds, threads] = [args.rounds, args.threads].map(Number);
const steps = Number(args.steps ?? (cuda ? 64 : 8));
let batch;
/** Images that both sides take from. */
const IMAGES = 4096;

const scratch = mkdtempSync(path.join(tmpdir(), "bench-"));
const artifacts = args.artifacts ?? (cuda ? await emitForCuda() : "models/unet-cond");
const model = readModelFolder(artifacts, "--artifacts");
const { manifest } = model;
const placed = nodesFinding(artifacts, args.device);
console.log(`${placed.subject}: ${placed.found}`);
const dataset = await loadDataset("mnist", { split: "train", channels: 3, height: 32, width: 32 });
const files = writeData();
const session = await createTrainingSession(model, args.device, { threads });
const stepper = createStepper({
  manifest,
  session,
  learningRate: () => 1e-4,
  state: initialState(manifest, 0),
});
let done = 0;
for (const size of args.batch.split(",")) {
  batch = Number(size);
  await compareSteps();
}
await stepper.dispose();
rmSync(scratch, { recursive: true });

/** Training steps of the present batch, and with a model sampling, with processes of PyTorch's of their own. */
async function compareSteps() {
  const workers = await Promise.all(args.modes.split(",").map(startWorker));
  const trainers = workers.filter(({ mode }) => mode !== "diffusers");
  const make = batchMaker(manifest, dataset, { seed: 0, batch });
  const floor = cuda ? trainers[0]?.ask : await matMulRate();
  const gflop = unetGflop({ batch });
  const sides = new Map([
    ["onnx-diffusion", () => takeSteps(make)],
    ...trainers.map(({ mode, ask }) => [nameOf(mode), () => ask({ what: "step", count: steps })]),
    ...(floor ? [["floor", async () => gflop / (await floor({ what: "matmul" }, "gflops")) / 1e-3]] : []),
  ]);
  await inTurns(
    `training step of ${gflop.toFixed(1)} GFLOP, ${steps} a run`,
    sides,
    (_, median) => `${median.toFixed(cuda ? 2 : 1)}  ${(1000 / median).toFixed(1)} a second`,
  );
  if (args.model) await compareSampling(args.model, workers);
  const ours = process.resourceUsage().maxRSS / 1024;
  console.log(`peak resident memory: this process ${ours.toFixed(0)} MiB (the data set in it)`);
  for (const { mode, ask } of trainers) {
    const peak = await ask({ what: "step", count: 1 }, "peak");
    console.log(`  PyTorch ${mode} ${peak.toFixed(0)} MiB${cuda ? " of the card's" : ""}`);
  }
  for (const { child } of workers) child.stdin.end();
}

async function emitForCuda() {
  const folder = path.join(scratch, "unet-cond");
  mkdirSync(folder);
  for (const [name, bytes] of await modelFiles(unetCond(), { target: "cuda" }))
    writeFileSync(path.join(folder, name), bytes);
  return folder;
}

/** Runs every side once without counting, then in turns. */
async function inTurns(what, contenders, show) {
  const times = new Map([...contenders.keys()].map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of contenders) {
      const milliseconds = await run();
      if (round >= 0) times.get(name).push(milliseconds);
    }
  }
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const [first] = times.values();
  console.log(`${what}, batch ${batch}, ${threads} threads, medians of ${rounds} rounds in turns, ms:`);
  for (const [name, list] of times) {
    const ratio = median(first.map((time, i) => time / list[i]));
    console.log(
      `  ${name.padEnd(18)} ${show(name, median(list)).padStart(24)}   ours / it ${ratio.toFixed(2)}`,
    );
  }
}

/** On the CPU batches are made one after the other with the steps, though the trainer makes them beside. */
async function takeSteps(make) {
  let start = performance.now();
  const chunk = make({ first: done + 1, steps });
  if (cuda) start = performance.now();
  await stepper.run(chunk);
  done += steps;
  return (performance.now() - start) / steps;
}

/** A question after the rate of a MatMul, in GFLOP/s. */
async function matMulRate() {
  const n = 2048;
  const [a, b] = [input("a", "float32", [n, n]), input("b", "float32", [n, n])];
  const product = await InferenceSession.create(
    writeOnnx(buildModel({ name: "product", inputs: [a, b], outputs: { c: matmul(a, b) } })),
    { intraOpNumThreads: threads },
  );
  const square = () => new Tensor("float32", new Float32Array(n * n).fill(0.5), [n, n]);
  const feeds = { a: square(), b: square() };
  return async () => {
    const start = performance.now();
    await product.run(feeds);
    return (2 * n ** 3) / 1e6 / (performance.now() - start);
  };
}

async function compareSampling(folder, workers) {
  const exported = readModelFolder(folder, "--model");
  const { session: inference } = await createDrawingSession(exported, undefined, args.device, { threads });
  const labels = Array.from({ length: 10 }, (_, i) => i);
  for (const [sampler, rows] of [
    ["ddpm", 400],
    ["ddim", 50],
  ]) {
    const draw = async () => {
      const start = performance.now();
      const options = { manifest: exported.manifest, session: inference, sampler, steps: rows };
      for await (const _ of drawImages({ ...options, seed: 0, count: 10, labels }));
      return performance.now() - start;
    };
    await inTurns(
      `10 images, ${sampler} in ${rows} steps`,
      new Map([
        ["onnx-diffusion", draw],
        ...workers.map(({ mode, ask }) => [nameOf(mode), () => ask({ what: "sample", sampler })]),
      ]),
      (_, median) => median.toFixed(0),
    );
  }
  await inference.release();
}

function writeData() {
  const indices = Uint32Array.from({ length: IMAGES }, (_, i) => i);
  const [images, labels] = [new Uint8Array(IMAGES * 3072), new Int32Array(IMAGES)];
  dataset.images(indices, images);
  dataset.labels(indices, labels);
  const at = { images: path.join(scratch, "images"), labels: path.join(scratch, "labels") };
  writeFileSync(at.images, images);
  writeFileSync(at.labels, Uint8Array.from(labels));
  return at;
}

function nameOf(mode) {
  return mode === "diffusers" ? "diffusers" : `PyTorch ${mode}`;
}

/** A process of PyTorch that answers one request after another. */
async function startWorker(mode) {
  const script = fileURLToPath(new URL("pytorch_worker.py", import.meta.url));
  const child = spawn(
    args.python,
    [
      script,
      ...["--batch", String(batch), "--threads", String(threads), "--mode", mode, "--device", args.device],
      ...["--tf32", args.tf32],
      ...["--images", files.images, "--labels", files.labels],
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done: ended } = await lines.next();
    if (ended) throw new Error(`PyTorch (${mode}) ended; is torch in ${args.python}?`);
    return JSON.parse(value);
  };
  console.log(`PyTorch ${mode}: ${JSON.stringify(await read())}`);
  const ask = async (request, what = "milliseconds") => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return (await read())[what];
  };
  return { mode, child, ask };
}
