/** Runs in the page: one step of sampling on WebGPU in several forms. Each function takes steps and resolves when the GPU is done. */
import * as ort from "onnxruntime-web/jspi";
import { STEP, stepGraph } from "../../packages/sampler-web/dist/step-graph.js";

const [MAP_READ, COPY_SRC, COPY_DST, STORAGE] = [0x1, 0x4, 0x8, 0x80];
const PIXELS = 3072;

const bytesOf = async (file) => new Uint8Array(await (await fetch(`/model/${file}`)).arrayBuffer());

async function session(graph, count, options) {
  ort.env.wasm.wasmPaths = "/";
  ort.env.logLevel = "error";
  return ort.InferenceSession.create(graph, {
    externalData: [{ path: "weights.safetensors", data: await bytesOf("weights.safetensors") }],
    freeDimensionOverrides: { N: count, batch: count, [STEP.size]: count * PIXELS },
    ...options,
  });
}

/** Feed x, fetch eps, add in JavaScript. */
async function download(count, options = {}) {
  const network = await session(await bytesOf("inference_model.onnx"), count, {
    executionProviders: ["webgpu"],
    ...options,
  });
  return async (steps) => {
    let x = Float32Array.from({ length: count * PIXELS }, (_, i) => Math.sin(i));
    for (let step = 0; step < steps; step++) {
      const { out_sample } = await network.run({ sample: new ort.Tensor("float32", x, [count, 3, 32, 32]) });
      x = x.map((value, i) => 1.01 * value - 0.02 * out_sample.data[i]);
    }
  };
}

/** x stays in GPU buffers; `update`: the graph makes the next x as well. */
async function onGpu(count, { update, capture, wait = true, provider = {} }) {
  const graph = await bytesOf("inference_model.onnx");
  const names = { sample: "sample", output: "out_sample" };
  const network = await session(update ? stepGraph(graph, names) : graph, count, {
    executionProviders: [{ name: "webgpu", ...provider }],
    enableGraphCapture: capture,
  });
  const device = await ort.env.webgpu.device;
  const buffer = (floats, usage = STORAGE | COPY_SRC | COPY_DST) =>
    device.createBuffer({ size: Math.ceil((4 * floats) / 16) * 16, usage });
  const tensor = (buffer, dims) => ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims });
  const size = count * PIXELS;
  const x = buffer(size);
  const made = buffer(update ? 2 * size : size);
  const past = buffer(2 * size);
  const coefficients = buffer(8);
  const shape = [count, 3, 32, 32];
  const feeds = {
    sample: tensor(x, shape),
    ...(update && {
      [STEP.past]: tensor(past, [2, size]),
      [STEP.coefficients]: tensor(coefficients, [2, 4]),
    }),
  };
  const fetches = update ? { [STEP.next]: tensor(made, [2, size]) } : { out_sample: tensor(made, shape) };
  const start = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const staging = buffer(size, MAP_READ | COPY_DST);
  return async (steps) => {
    const { queue } = device;
    queue.writeBuffer(x, 0, start);
    for (let step = 0; step < steps; step++) {
      if (update) queue.writeBuffer(coefficients, 0, Float32Array.of(1.01, -0.02, 0, 0.1, 1, 1, 0, 0));
      await network.run(feeds, fetches);
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(made, 0, x, 0, 4 * size);
      if (update) encoder.copyBufferToBuffer(made, 4 * size, past, 0, 4 * size);
      queue.submit([encoder.finish()]);
      if (wait) await queue.onSubmittedWorkDone();
    }
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(x, 0, staging, 0, 4 * size);
    queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    staging.unmap();
  };
}

/** The library in its worker, from a folder with its build. */
async function library(folder, count) {
  const { Sampler } = await import(`/${folder}/sampler.js`);
  const sampler = await Sampler.load("/model/", { device: "webgpu" });
  return async (steps) => void (await sampler.sample({ count, steps, sampler: "ddpm", seed: 1 }));
}

globalThis.forms = {
  "network, downloaded": (count) => download(count),
  "network, on the GPU": (count) => onGpu(count, { update: false, capture: false }),
  "network, captured": (count) => onGpu(count, { update: false, capture: true }),
  "step, on the GPU": (count) => onGpu(count, { update: true, capture: false }),
  library: (count) => library("captured", count),
  "library, without capture": (count) => library("plain", count),
};
