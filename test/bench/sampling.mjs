/**
 * Steps a second in one browser: the library, a loop over onnxruntime-web as one writes it first, and the same network in
 * tensorflow.js and jax-js.
 *
 *     node test/bench/sampling.mjs --tfjs FOLDER [--count 4] [--steps 5] [--rounds 3] [--widths 8,12,16,20] [--device wasm]
 *
 * `--widths practical` is the network of models/unet. `--device` leaves the other one's runs out. FOLDER is a project with @tensorflow/tfjs-core and @tensorflow/tfjs-backend-webgpu 4.22.0. Told are processor time
 * (processor-time.mjs) and clock. Rounds are interleaved; the median counts.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { initialise, parseManifest } from "@onnx-diffusion/diffusion";
import { diet, loadExternalData, modelFiles, readOnnx, unet, writeOnnx } from "@onnx-diffusion/graph-builder";
import { build } from "esbuild";
import { createJiti } from "jiti";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { bundle } from "../../scripts/bundle-web.mjs";
import { measured } from "./processor-time.mjs";

const { values } = parseArgs({
  options: {
    tfjs: { type: "string" },
    count: { type: "string", default: "4" },
    steps: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    widths: { type: "string", default: "8,12,16,20" },
    device: { type: "string" },
  },
});
const [count, steps, rounds] = [values.count, values.steps, values.rounds].map(Number);
const jiti = createJiti(import.meta.url);
const { openPage } = await jiti.import("../browser/page.ts");
const { exported } = await jiti.import("../browser/small-model.ts");

const channels = values.widths.split(",").map(Number);
const network =
  values.widths === "practical"
    ? unet()
    : unet({ channels, bottleneck: channels[3], up: [...channels].reverse() });
const model = await exported(network);
const emitted = await modelFiles(network);
const manifest = parseManifest(new TextDecoder().decode(emitted.get("manifest.json")), "emitted");
/** Name and shape of each weight, whose values lie one after the other in weights.bin. */
const weights = [];
const weightValues = [];
for (const [i, tensor] of manifest.state.entries()) {
  if (tensor.kind !== "parameter" && tensor.kind !== "buffer") continue;
  weights.push([tensor.name, tensor.shape]);
  weightValues.push(Buffer.from(Float32Array.from(initialise(tensor, i, 5)).buffer));
}

const folder = mkdtempSync(path.join(tmpdir(), "sampling-"));
await bundle(folder);
await build({
  entryPoints: [fileURLToPath(new URL("sampling-in-page.js", import.meta.url))],
  outfile: path.join(folder, "bench.js"),
  nodePaths: [path.join(values.tfjs ?? "", "node_modules")],
  ...{ bundle: true, format: "esm", platform: "browser", target: "es2022" },
});
const files = {
  "/start.js": { text: "import * as web from './sampler.js'; import './bench.js'; globalThis.web = web;" },
};
for (const name of readdirSync(folder)) files[`/${name}`] = { file: path.join(folder, name) };
const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
for (const name of readdirSync(runtime)) {
  if (/^ort-wasm.*\.(mjs|wasm)$/.test(name)) files[`/${name}`] = { file: path.join(runtime, name) };
}
for (const [name, bytes] of model) files[`/model/${name}`] = { bytes };
files["/weights.bin"] = { bytes: Buffer.concat(weightValues) };
const whole = await loadExternalData(
  readOnnx(model.get("inference_model.onnx")),
  ({ location, offset, length }) => model.get(location).subarray(offset, offset + length),
);
files["/diet.onnx"] = { bytes: writeOnnx(diet(whole)) };
const opened = await openPage(files, ["--enable-unsafe-webgpu"]);
const { page } = opened;
page.setDefaultTimeout(0);
await page.addScriptTag({ url: "/start.js", type: "module" });

const made = await page.evaluate(
  async ({ count, weights, device }) => {
    const makers = {
      webgpu: {
        "library, WebGPU": () => bench.makeLibrary(web, "webgpu", count),
        "loop over onnxruntime-web, WebGPU": () => bench.makeLoop("webgpu", count),
        "tensorflow.js, WebGPU": () => bench.makeTensorflow(weights, count),
        "the loop on the diet, WebGPU": () => bench.makeLoop("webgpu", count, "/diet.onnx"),
        "jax-js, WebGPU": () => bench.makeJax(count),
      },
      wasm: {
        "library, WASM": () => bench.makeLibrary(web, "wasm", count),
        "library by DDIM, WASM": () => bench.makeLibrary(web, "wasm", count, "ddim"),
        "loop over onnxruntime-web, WASM": () => bench.makeLoop("wasm", count),
      },
    };
    const runs = {};
    for (const [name, makes] of Object.entries(makers)) {
      if (device !== undefined && device !== name) continue;
      for (const [name, make] of Object.entries(makes)) runs[name] = await make();
    }
    globalThis.runs = runs;
    const x = Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i));
    const eps = {};
    for (const [name, { eps: of }] of Object.entries(runs)) if (of) eps[name] = [...(await of([...x], 1))];
    // Shaders are compiled at the first run.
    const kernels = {};
    for (const [name, run] of Object.entries(runs)) {
      await run(2);
      Object.assign(bench.dispatched, { kernels: 0, groups: 0 });
      await run(1);
      kernels[name] = { ...bench.dispatched };
    }
    return { names: Object.keys(runs), x: [...x], eps, kernels };
  },
  { count, weights, device: values.device },
);
const single = new Uint8Array(model.get("inference_model.onnx"));
const session = await InferenceSession.create(single, {
  externalData: [{ path: "weights.safetensors", data: new Uint8Array(model.get("weights.safetensors")) }],
});
const { out_sample } = await session.run({ sample: new Tensor("float32", made.x, [1, 3, 32, 32]) });
for (const [name, eps] of Object.entries(made.eps)) {
  const off = eps.map((value, i) => Math.abs(value - out_sample.data[i]));
  console.log(`${name} computes the same network, to ${Math.max(...off).toExponential(1)}`);
}

for (const [name, { kernels, groups }] of Object.entries(made.kernels)) {
  if (kernels > 0) console.log(`${name} has ${kernels} kernels of ${groups} workgroups in all a step`);
}

const empty = () => Object.fromEntries(made.names.map((name) => [name, []]));
const [clocks, processors] = [empty(), empty()];
for (let round = 0; round < rounds; round++) {
  for (const name of made.names) {
    const { processor } = await measured(async () => {
      clocks[name].push(await page.evaluate(({ name, steps }) => runs[name](steps), { name, steps }));
    });
    processors[name].push(processor / steps);
  }
}
console.log(
  `${count} images of 3x32x32, unet with ${values.widths} channels, ${steps} steps, ${rounds} rounds`,
);
const median = (all) =>
  all
    .sort((a, b) => a - b)
    [Math.floor(all.length / 2)].toFixed(1)
    .padStart(8);
console.log("ms a step of processor time, and by the clock");
for (const name of made.names) {
  console.log(`| ${name.padEnd(34)} | ${median(processors[name])} | ${median(clocks[name])} |`);
}
await opened[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
