/**
 * A training step of model folders in turns, each in a process of its own: how long each takes, and each divided by the first,
 * the median of the rounds' ratios. So a folder that was emitted another way (another lowering, a table of forms) is compared
 * with the one it was before.
 *
 *   node test/bench/folders.mjs models/unet-cond /tmp/tuned [--batch 16] [--steps 8] [--rounds 25] [--threads N]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fillNormals, initialise, parseManifest } from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";

const { values: args, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "8" },
    rounds: { type: "string", default: "25" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const [batch, steps, rounds] = [args.batch, args.steps, args.rounds].map(Number);

if (process.send) await serve(folders[0]);
else await compare();

/** In a process of a folder: runs the loop once for each message and answers with its milliseconds a step. */
async function serve(folder) {
  const path = join(folder, "manifest.json");
  const manifest = parseManifest(readFileSync(path, "utf8"), path);
  const session = await InferenceSession.create(join(folder, manifest.graphs.training_loop.file), {
    intraOpNumThreads: Number(args.threads),
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { set_denormal_as_zero: "1", force_spinning_stop: "1" } },
  });
  const { channels, height, width } = manifest.image;
  const image = [steps, batch, channels, height, width];
  const size = image.reduce((a, b) => a * b);
  const noise = new Float32Array(size);
  fillNormals(noise, { seed: 0, purpose: "noise", index: 0 });
  const each = (of) => Int32Array.from({ length: steps * batch }, (_, i) => of(i));
  const feeds = {
    images: new Tensor(
      "uint8",
      Uint8Array.from(noise, (x) => 128 + 40 * x),
      image,
    ),
    timestep: new Tensor(
      "int32",
      each((i) => 1 + ((i * 37) % manifest.schedule.T)),
      [steps, batch],
    ),
    noise: new Tensor("float32", noise, image),
    ...(manifest.classes > 0 && {
      class_labels: new Tensor(
        "int32",
        each((i) => i % manifest.classes),
        [steps, batch],
      ),
    }),
    learning_rate: new Tensor("float32", new Float32Array(steps).fill(1e-4), [steps]),
  };
  let state = Object.fromEntries(
    manifest.state.map((t, i) => [t.name, new Tensor(t.dtype, initialise(t, i, 0), t.shape)]),
  );
  process.on("message", async () => {
    const start = performance.now();
    const out = await session.run({ ...state, ...feeds });
    const time = (performance.now() - start) / steps;
    state = Object.fromEntries(manifest.state.map(({ name }) => [name, out[`${name}.next`]]));
    process.send({ time, loss: out.losses.data.at(-1) });
  });
  process.send("ready");
}

async function compare() {
  const children = await Promise.all(
    folders.map(async (folder) => {
      const child = fork(new URL(import.meta.url), [folder, ...process.argv.slice(2)]);
      await once(child, "message");
      return child;
    }),
  );
  const times = folders.map(() => []);
  const losses = [];
  // The first two rounds set memory up.
  for (let round = -2; round < rounds; round++) {
    for (let turn = 0; turn < children.length; turn++) {
      const which = (turn + Math.abs(round)) % children.length;
      children[which].send("run");
      const [{ time, loss }] = await once(children[which], "message");
      if (round >= 0) times[which].push(time);
      losses[which] = loss;
    }
  }
  for (const child of children) child.disconnect();
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  console.log(`batch ${batch}, ${args.threads} threads, ${rounds} rounds of ${steps} steps in turns`);
  folders.forEach((folder, i) => {
    const ratios = times[i].map((time, round) => time / times[0][round]);
    const wins = ratios.filter((ratio) => ratio < 1).length;
    const beside =
      i === 0 ? "" : `, ${median(ratios).toFixed(3)} of ${folders[0]}, faster in ${wins} of ${rounds} rounds`;
    console.log(`${folder}: ${median(times[i]).toFixed(1)} ms a step${beside}; loss ${losses[i].toFixed(6)}`);
  });
}
