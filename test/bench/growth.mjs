/**
 * How the time and the memory of a training step of unet-cond on the CPU grow with the batch, the width and the image, each
 * size in a process of its own. The axis that all three share is the arithmetic of a step.
 *
 *   node test/bench/growth.mjs [--rounds 5] [--most 1024] [--out docs/results/growth]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { initialise, linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { describeTraining, GRAPHS, unetCond, writeOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { logAxis } from "../../packages/trainer/dist/pictures/axis.js";
import { plotSvg } from "../../packages/trainer/dist/pictures/plot.js";
import { encodeSvg } from "../../packages/trainer/dist/pictures/png.js";
import { unetGflop } from "./unet-gflop.mjs";

const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** The largest batch. */
    most: { type: "string", default: "1024" },
    out: { type: "string" },
    /** Given to the processes that measure. */
    measure: { type: "string" },
  },
});
const rounds = Number(args.rounds);
const PRACTICAL = unetCond().options;

const USUAL = { batch: 16, width: 1, size: 32 };
const SERIES = [
  { name: "batch", colour: "#4f46e5", values: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] },
  { name: "width", colour: "#c2410c", values: [0.5, 1, 2, 4] },
  { name: "size", colour: "#0f766e", values: [32, 64, 128] },
];

/** Steps of a run, so that a run takes about as long whatever the size. */
const stepsFor = (point) => Math.max(1, Math.min(64, Math.round(384 / unetGflop(point))));

async function measure({ batch, width, size }) {
  const wide = (list) => list.map((c) => c * width);
  const plain = unetCond({
    channels: wide(PRACTICAL.channels),
    bottleneck: PRACTICAL.bottleneck * width,
    up: wide(PRACTICAL.up),
  });
  const network = { ...plain, image: { ...plain.image, height: size, width: size } };
  const training = describeTraining(network, linearSchedule(PRACTICAL_SCHEDULE));
  const { lowering, build } = GRAPHS.training_loop;
  const session = await InferenceSession.create(writeOnnx(build(training, lowering)), {
    logSeverityLevel: 3,
    extra: { session: { set_denormal_as_zero: "1" } },
  });
  const steps = stepsFor({ batch, width, size });
  const pixels = steps * batch * 3 * size * size;
  const image = [steps, batch, 3, size, size];
  const numbers = (make) => Array.from({ length: steps * batch }, (_, i) => make(i));
  const feeds = {
    images: new Tensor(
      "uint8",
      Uint8Array.from({ length: pixels }, (_, i) => (i * 31) % 256),
      image,
    ),
    timestep: new Tensor("int32", Int32Array.from(numbers((i) => 1 + (i % 400))), [steps, batch]),
    noise: new Tensor(
      "float32",
      Float32Array.from({ length: pixels }, (_, i) => Math.sin(i * i)),
      image,
    ),
    class_labels: new Tensor("int32", Int32Array.from(numbers((i) => i % 10)), [steps, batch]),
    learning_rate: new Tensor("float32", new Float32Array(steps).fill(1e-4), [steps]),
  };
  let state = training.state.map((t, i) => new Tensor(t.dtype, initialise(t, i, 0), t.shape));
  const times = [];
  for (let round = -1; round < rounds; round++) {
    const start = performance.now();
    const out = await session.run({
      ...Object.fromEntries(training.state.map(({ name }, i) => [name, state[i]])),
      ...feeds,
    });
    if (round >= 0) times.push((performance.now() - start) / steps);
    state = training.state.map(({ name }) => out[`${name}.next`]);
  }
  times.sort((a, b) => a - b);
  return { milliseconds: times[times.length >> 1], mebibytes: process.resourceUsage().maxRSS / 1024 };
}

/** What a size takes, in a process of its own; undefined where the machine has not the memory. */
function measured(point) {
  const child = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), "--rounds", args.rounds, "--measure", JSON.stringify(point)],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  return child.status === 0 ? JSON.parse(child.stdout) : undefined;
}

/** The exponent of the line through the last two points, in logarithms. */
function slope(points, key) {
  const [a, b] = points.slice(-2);
  return Math.log(b[key] / a[key]) / Math.log(b.gflop / a.gflop);
}

if (args.measure) {
  console.log(JSON.stringify(await measure(JSON.parse(args.measure))));
} else {
  const found = [];
  for (const { name, colour, values } of SERIES) {
    const points = [];
    for (const value of values) {
      if (name === "batch" && value > Number(args.most)) continue;
      const point = { ...USUAL, [name]: value };
      const result = measured(point);
      if (result === undefined) {
        console.log(`| ${name} ${value} | not enough memory |`);
        break;
      }
      points.push({ value, gflop: unetGflop(point), ...result });
      const { milliseconds, mebibytes } = result;
      const rate = (unetGflop(point) / milliseconds) * 1000;
      console.log(
        `| ${name} ${value} | ${unetGflop(point).toFixed(1)} | ${milliseconds.toFixed(1)} | ${rate.toFixed(0)} | ${mebibytes.toFixed(0)} |`,
      );
    }
    console.log(
      `${name}: time grows as arithmetic^${slope(points, "milliseconds").toFixed(2)}, memory as ^${slope(points, "mebibytes").toFixed(2)} at the end`,
    );
    found.push({ name, colour, points });
  }
  if (args.out) await draw(found);
}

async function draw(found) {
  mkdirSync(args.out, { recursive: true });
  const all = found.flatMap(({ points }) => points);
  const axisOf = (key) =>
    logAxis(Math.min(...all.map((p) => p[key])) / 1.3, Math.max(...all.map((p) => p[key])) * 1.3);
  for (const [file, key, title, name] of [
    ["time", "milliseconds", "Time of a training step", "ms a step (log scale)"],
    ["memory", "mebibytes", "Peak memory", "MiB resident (log scale)"],
  ]) {
    const svg = plotSvg({
      title,
      x: { axis: axisOf("gflop"), name: "GFLOP a step (log scale)" },
      y: { axis: axisOf(key), name },
      series: found.map((series) => ({
        name: { batch: "batch 1 to 1,024", width: "width x1/2 to x4", size: "image 32 to 128" }[series.name],
        colour: series.colour,
        dots: true,
        points: series.points.map((p) => ({ x: p.gflop, y: p[key] })),
      })),
    });
    writeFileSync(path.join(args.out, `${file}.svg`), svg);
    writeFileSync(path.join(args.out, `${file}.png`), await encodeSvg(svg, 2));
  }
}
