/**
 * One training step of unet-cond on the CPU against the floor: the same floating-point operations at the rate of one
 * 2048^3 MatMul of ONNX Runtime, in turns in one run.
 *
 *   node test/bench/training-step.mjs [--batch 16] [--rounds 10] [--lowering cpu|native] [--profile]
 */
import { parseArgs } from "node:util";
import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import {
  buildModel,
  cpu,
  describeTraining,
  GRAPHS,
  input,
  matmul,
  native,
  unetCond,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { unetGflop } from "./unet-gflop.mjs";

const { values: args } = parseArgs({
  options: {
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "10" },
    steps: { type: "string", default: "8" },
    lowering: { type: "string", default: "cpu" },
    threads: { type: "string" },
    profile: { type: "boolean", default: false },
  },
});
const batch = Number(args.batch);
const steps = Number(args.steps);
const lowering = args.lowering === "native" ? native : cpu;

const training = describeTraining(unetCond(), linearSchedule(PRACTICAL_SCHEDULE));
const options = {
  ...(args.threads && { intraOpNumThreads: Number(args.threads) }),
  ...(args.profile && { enableProfiling: true, profileFilePrefix: "/tmp/training-step" }),
};
const loop = await InferenceSession.create(
  writeOnnx(GRAPHS.training_loop.build(training, lowering)),
  options,
);
const random = (n, scale = 1) => Float32Array.from({ length: n }, () => (Math.random() * 2 - 1) * scale);
let state = Object.fromEntries(
  training.state.map(({ name, kind, dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data =
      dtype === "int32"
        ? [0]
        : kind === "parameter"
          ? random(size, 0.03)
          : new Float32Array(size).fill(name.endsWith("running_var") ? 1 : 0);
    return [name, new Tensor(dtype, data, shape)];
  }),
);
const pixels = steps * batch * 3072;
const feeds = {
  images: new Tensor(
    "uint8",
    new Uint8Array(pixels).map(() => Math.random() * 256),
    [steps, batch, 3, 32, 32],
  ),
  timestep: new Tensor(
    "int32",
    new Int32Array(steps * batch).map(() => 1 + Math.random() * 400),
    [steps, batch],
  ),
  noise: new Tensor("float32", random(pixels), [steps, batch, 3, 32, 32]),
  class_labels: new Tensor(
    "int32",
    new Int32Array(steps * batch).map(() => Math.random() * 10),
    [steps, batch],
  ),
  learning_rate: new Tensor("float32", new Float32Array(steps).fill(1e-4), [steps]),
};

const [a, b] = [input("a", "float32", [2048, 2048]), input("b", "float32", [2048, 2048])];
const product = await InferenceSession.create(
  writeOnnx(buildModel({ name: "product", inputs: [a, b], outputs: { c: matmul(a, b) } })),
);
const square = {
  a: new Tensor("float32", random(2048 ** 2), [2048, 2048]),
  b: new Tensor("float32", random(2048 ** 2), [2048, 2048]),
};

const times = { step: [], product: [] };
const gflop = unetGflop({ batch });
for (let round = -1; round < Number(args.rounds); round++) {
  let start = performance.now();
  const out = await loop.run({ ...state, ...feeds });
  const stepTime = (performance.now() - start) / steps;
  state = Object.fromEntries(training.state.map((s) => [s.name, out[`${s.name}.next`]]));
  start = performance.now();
  for (let i = 0; i < 4; i++) await product.run(square);
  const productTime = (performance.now() - start) / 4;
  if (round < 0) continue;
  times.step.push(stepTime);
  times.product.push(productTime);
}
const median = (list) => [...list].sort((x, y) => x - y)[list.length >> 1];
const rate = gflop / (median(times.step) / 1e3);
const peak = (2 * 2048 ** 3) / 1e9 / (median(times.product) / 1e3);
console.log(
  `unet-cond, batch ${batch}, ${args.lowering} lowering: ${median(times.step).toFixed(1)} ms a step (${steps} in a run), ${gflop.toFixed(2)} GFLOP`,
);
console.log(
  `step ${rate.toFixed(0)} GFLOP/s, 2048^3 MatMul ${peak.toFixed(0)} GFLOP/s: ${((100 * rate) / peak).toFixed(1)} % of the floor's rate (medians of ${args.rounds} rounds)`,
);
if (args.profile) console.log(`profile: ${loop.endProfiling?.() ?? "/tmp/training-step*"}`);
