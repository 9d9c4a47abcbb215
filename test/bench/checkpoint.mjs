/**
 * What checkpointing saves and costs: peak resident memory and time of a training step of a residual U-Net, with and
 * without, each in a process of its own.
 *
 *   node test/bench/checkpoint.mjs [--batch 128] [--steps 3] [--channels 32,64,128] [--blocks 2] [--graph training_loop|training_step]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { initialise, linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import {
  add,
  batchNorm2d,
  checkpoint,
  concat,
  conv2d,
  convTranspose2d,
  defineNetwork,
  describeTraining,
  estimateMemory,
  GRAPHS,
  onnxRuntimeOrder,
  relu,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";

const { values: args } = parseArgs({
  options: {
    batch: { type: "string", default: "128" },
    steps: { type: "string", default: "3" },
    channels: { type: "string", default: "32,64,128" },
    blocks: { type: "string", default: "2" },
    graph: { type: "string", default: "training_loop" },
    /** Given to the processes that measure. */
    measure: { type: "string" },
  },
});
const batch = Number(args.batch);
const megabytes = (bytes) => Math.round(bytes / 2 ** 20);

/** Convolution 3-1-1, batch norm, ReLU twice, added to the input. */
function residual(p, x) {
  const channels = x.shape[1];
  const conv = { channels, kernel: 3, pad: 1, bias: false };
  const y = relu(batchNorm2d(p.at("bn1"), conv2d(p.at("conv1"), x, conv)));
  return relu(add(x, batchNorm2d(p.at("bn2"), conv2d(p.at("conv2"), y, conv))));
}

const network = defineNetwork({
  name: "residual-unet",
  description: "residual blocks at each size, skips between them",
  options: { channels: args.channels.split(",").map(Number), blocks: Number(args.blocks), recompute: false },
  shape: () => ({}),
  forward(p, { sample }, { channels, blocks, recompute }) {
    const part = recompute ? checkpoint : (fn) => fn;
    const resize = { kernel: 4, stride: 2, pad: 1 };
    const stage = (q, start) => {
      let x = start;
      for (let i = 1; i <= blocks; i++) x = part((t) => residual(q.at(`block${i}`), t))(x);
      return x;
    };
    const first = part((t) => conv2d(p.at("in.conv"), t, { channels: channels[0], kernel: 3, pad: 1 }));
    let x = stage(p.at("in"), first(sample));
    const skips = [];
    channels.slice(1).forEach((c, i) => {
      skips.push(x);
      const q = p.at(`down${i + 1}`);
      x = stage(q, part((t) => conv2d(q.at("conv"), t, { ...resize, channels: c }))(x));
    });
    channels
      .slice(0, -1)
      .reverse()
      .forEach((c, i) => {
        const q = p.at(`up${i + 1}`);
        const join = part((t, skip) => {
          const up = convTranspose2d(q.at("conv"), t, { ...resize, channels: c });
          return conv2d(q.at("join"), concat([up, skip], 1), { channels: c, kernel: 1 });
        });
        x = stage(q, join(x, skips.pop()));
      });
    return part((t) => conv2d(p.at("out.conv"), t, { channels: 3, kernel: 3, pad: 1 }))(x);
  },
});

/** One step of the graph that trains on the CPU (in a loop of one) or on an accelerator. */
async function measure(recompute) {
  const training = describeTraining(network({ recompute }), linearSchedule(PRACTICAL_SCHEDULE));
  const { lowering, build } = GRAPHS[args.graph];
  const model = build(training, lowering);
  const estimate = estimateMemory(model, { sizes: { batch, steps: 1, trips: 1 }, order: onnxRuntimeOrder });
  const session = await InferenceSession.create(writeOnnx(model));
  const lead = args.graph === "training_loop" ? [1] : [];
  const pixels = batch * 3 * 32 * 32;
  const image = [...lead, batch, 3, 32, 32];
  let state = training.state.map((t, i) => new Tensor(t.dtype, initialise(t, i, 0), t.shape));
  const feeds = {
    images: new Tensor(
      "uint8",
      Uint8Array.from({ length: pixels }, (_, i) => (i * 31) % 256),
      image,
    ),
    timestep: new Tensor(
      "int32",
      Int32Array.from({ length: batch }, (_, i) => 1 + (i % 400)),
      [...lead, batch],
    ),
    noise: new Tensor(
      "float32",
      Float32Array.from({ length: pixels }, (_, i) => Math.sin(i * i)),
      image,
    ),
    learning_rate: new Tensor("float32", [1e-4], lead),
  };
  const before = process.memoryUsage().rss;
  const times = [];
  let loss = 0;
  for (let step = 0; step <= Number(args.steps); step++) {
    const start = performance.now();
    const named = Object.fromEntries(training.state.map(({ name }, i) => [name, state[i]]));
    const out = await session.run({ ...named, ...feeds });
    if (step > 0) times.push(performance.now() - start);
    state = training.state.map(({ name }) => out[`${name}.next`]);
    loss = (out.losses ?? out.loss).data[0];
  }
  return {
    loss,
    estimate: megabytes(estimate.peak),
    before: megabytes(before),
    peak: megabytes(process.resourceUsage().maxRSS * 1024),
    time: Math.round(Math.min(...times)),
  };
}

if (args.measure) {
  console.log(JSON.stringify(await measure(args.measure === "recomputed")));
} else {
  const results = ["kept", "recomputed"].map((measure) => {
    const child = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--measure", measure],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
    );
    if (child.status !== 0)
      throw new Error(`the process that measures "${measure}" ended with ${child.status}`);
    const result = JSON.parse(child.stdout);
    console.log(
      `activations ${measure}: peak ${result.peak} MiB resident (${result.before} before the first step, activations estimated ${result.estimate}), ${result.time} ms for the fastest of ${args.steps} steps, loss ${result.loss}`,
    );
    return result;
  });
  const [kept, recomputed] = results;
  console.log(
    `memory of a step ${kept.peak - kept.before} -> ${recomputed.peak - recomputed.before} MiB (${Math.round((100 * (recomputed.peak - recomputed.before)) / (kept.peak - kept.before))} %), time ${(recomputed.time / kept.time).toFixed(2)}x`,
  );
}
