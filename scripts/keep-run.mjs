// Keeps what a run showed: its log, loss curve, last grid and evaluation, small enough for the repository.
// node scripts/keep-run.mjs runs/unet-cond docs/results/unet-cond-mnist

import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMetrics, readModelFolder, runFolder } from "@onnx-diffusion/trainer";

/** Steps between the lines of the log. */
const EVERY = 100;

const [root, out] = process.argv.slice(2);
if (out === undefined) {
  console.error(
    "usage: node scripts/keep-run.mjs RUN FOLDER, such as runs/unet-cond docs/results/unet-cond-mnist",
  );
  process.exit(2);
}
const run = runFolder(root);
const { network, training, optimizer } = readModelFolder(run.model, "--model").manifest;
const metrics = readMetrics(run.metrics);
const grids = existsSync(run.samples) ? readdirSync(run.samples).sort() : [];
mkdirSync(out, { recursive: true });

const { data, steps, batch, learningRate, seed, device } = training;
const head = [
  `${network.name} on ${data}, ${steps} steps of ${batch}, learning rate ${learningRate}, seed ${seed}, ${device}`,
  `optimizer: ${JSON.stringify(optimizer)}`,
];
const lines = metrics
  .filter(({ step }) => step % EVERY === 0)
  .map(({ step, smoothed }) => `step: ${String(step).padStart(5)} train loss: ${smoothed.toFixed(4)}`);
writeFileSync(join(out, "log.txt"), `${[...head, ...lines].join("\n")}\n`);

const kept = [
  [run.lossSvg, "loss.svg"],
  ...grids.slice(-1).map((grid) => [join(run.samples, grid), "samples.png"]),
  ...["eval.json", "confusion.png", "loss-by-timestep.svg"].map((name) => [join(root, "eval", name), name]),
  [join(root, "eval", "samples.png"), "judged.png"],
].filter(([from]) => existsSync(from));
for (const [from, name] of kept) copyFileSync(from, join(out, name));
console.log(`${out}: ${["log.txt", ...kept.map(([, name]) => name)].join(", ")}`);
const at = (step) => metrics.find((each) => each.step === step)?.smoothed.toFixed(4);
console.log([2500, 10000, steps].map((step) => `smoothed loss at ${step}: ${at(step) ?? "-"}`).join("; "));
