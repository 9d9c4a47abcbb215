/**
 * Whether the trainer's memory grows with the steps: resident memory every 48 steps of a whole run (batches, checkpoints,
 * exports, previews), and the slope through it. Memory comes and goes with the garbage collector and with previews, so that
 * neighbours are alike; the slope is fitted to the means of ten equal parts, whose scatter gives its uncertainty.
 *
 *   node test/bench/memory.mjs [--artifacts models/unet-cond] [--steps 2000] [--batch 16] [--threads 2] [--out docs/results/memory/unet-cond]
 *   node test/bench/memory.mjs --small --steps 20000 --batch 4
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { modelFiles, unetCond } from "@onnx-diffusion/graph-builder";
import { linearAxis } from "../../packages/trainer/dist/pictures/axis.js";
import { plotSvg } from "../../packages/trainer/dist/pictures/plot.js";
import { encodeSvg } from "../../packages/trainer/dist/pictures/png.js";
import { train } from "../../packages/trainer/dist/train.js";
import { TRAIN_DEFAULTS } from "../../packages/trainer/dist/train-defaults.js";

const { values: args } = parseArgs({
  options: {
    artifacts: { type: "string", default: "models/unet-cond" },
    /** A narrow unet-cond in its place. */
    small: { type: "boolean", default: false },
    steps: { type: "string", default: "2000" },
    batch: { type: "string", default: "16" },
    threads: { type: "string", default: String(availableParallelism()) },
    /** Picture to write, without an ending. */
    out: { type: "string" },
  },
});
const [steps, batch, threads] = [args.steps, args.batch, args.threads].map(Number);
/** Steps between two looks. */
const EVERY = 48;
/** The share of the run in which memory is set up: it does not count. */
const WARM = 0.1;
const PARTS = 10;

const folder = mkdtempSync(path.join(tmpdir(), "memory-"));
const artifacts = args.small ? path.join(folder, "small") : args.artifacts;
if (args.small) {
  const network = unetCond({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] });
  mkdirSync(artifacts);
  for (const [name, bytes] of await modelFiles(network)) writeFileSync(path.join(artifacts, name), bytes);
}

const looks = [];
const options = {
  ...{ ...TRAIN_DEFAULTS, artifacts, steps, batch, threads, device: "cpu", resume: false },
  out: path.join(folder, "run"),
};
for await (const event of train(options, new AbortController().signal)) {
  if (event.type !== "steps") continue;
  const step = event.first + event.losses.length - 1;
  if (looks.length === 0 || step >= looks.at(-1).step + EVERY) {
    looks.push({ step, mebibytes: process.memoryUsage.rss() / 2 ** 20 });
  }
}
rmSync(folder, { recursive: true });

const counted = looks.filter(({ step }) => step > WARM * steps);
const parts = Array.from({ length: PARTS }, (_, i) => {
  const part = counted.slice((i * counted.length) / PARTS, ((i + 1) * counted.length) / PARTS);
  const mean = (of) => part.reduce((sum, look) => sum + of(look), 0) / part.length;
  return { x: mean(({ step }) => step / 1000), y: mean(({ mebibytes }) => mebibytes) };
});
const { slope, error } = leastSquares(parts);
const all = counted.map(({ mebibytes }) => mebibytes);
console.log(
  `${args.small ? "narrow unet-cond" : args.artifacts}, batch ${batch}, ${threads} threads, ${steps} steps, ${looks.length} looks: ` +
    `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)} MiB, slope ${slope.toFixed(2)} ± ${error.toFixed(2)} MiB per 1,000 steps (standard error of ${PARTS} parts)`,
);
console.log(`means of the parts: ${parts.map(({ y }) => y.toFixed(0)).join(", ")} MiB`);
if (args.out) await draw();

/** The line of least squares, and the standard error of its slope. */
function leastSquares(points) {
  const mean = (key) => points.reduce((sum, point) => sum + point[key], 0) / points.length;
  const [x, y] = [mean("x"), mean("y")];
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  const slope = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;
  const rest = points.reduce((sum, point) => sum + (point.y - y - slope * (point.x - x)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) };
}

async function draw() {
  const most = Math.max(...looks.map(({ mebibytes }) => mebibytes));
  const svg = plotSvg({
    title: "Resident memory of a training run",
    x: { axis: linearAxis(0, steps, 6), name: "step" },
    y: { axis: linearAxis(0, 1.1 * most, 5), name: "MiB" },
    series: [
      { name: "resident", colour: "#4f46e5", points: looks.map((l) => ({ x: l.step, y: l.mebibytes })) },
    ],
  });
  mkdirSync(path.dirname(args.out), { recursive: true });
  writeFileSync(`${args.out}.svg`, svg);
  writeFileSync(`${args.out}.png`, await encodeSvg(svg, 2));
}
