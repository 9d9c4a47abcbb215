/** Runs in the page: what the library is compared with. Each `make…` gives a function that takes steps and tells the ms of one. */
import { defaultDevice, init, jit, numpy as np } from "@jax-js/jax";
import { ONNXModel } from "@jax-js/onnx";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import * as jspi from "onnxruntime-web/jspi";
import * as wasm from "onnxruntime-web/wasm";

const timed = async (steps, work) => {
  const start = performance.now();
  await work(steps);
  return (performance.now() - start) / steps;
};

/** The library. */
async function makeLibrary(web, device, count, sampler = "ddpm") {
  const loaded = await web.Sampler.load("/model/", { device });
  return (steps) => timed(steps, (steps) => loaded.sample({ count, steps, sampler, seed: 1 }));
}

/** What one writes first: feed x, download eps, add in JavaScript. */
async function makeLoop(device, count, graph = "/model/inference_model.onnx") {
  const { InferenceSession, Tensor, env } = device === "wasm" ? wasm : jspi;
  env.wasm.wasmPaths = "/";
  const weights = new Uint8Array(await (await fetch("/model/weights.safetensors")).arrayBuffer());
  const session = await InferenceSession.create(graph, {
    executionProviders: [device],
    externalData: [{ path: "weights.safetensors", data: weights }],
  });
  return (steps) =>
    timed(steps, async (steps) => {
      let x = Float32Array.from({ length: count * 3072 }, (_, i) => Math.sin(i));
      for (let step = 0; step < steps; step++) {
        const { out_sample } = await session.run({ sample: new Tensor("float32", x, [count, 3, 32, 32]) });
        x = x.map((value, i) => 1.01 * value - 0.02 * out_sample.data[i]);
      }
    });
}

/** The same network in tensorflow.js, with x on the GPU as well. */
async function makeTensorflow(weights, count) {
  await tf.setBackend("webgpu");
  const bytes = await (await fetch("/weights.bin")).arrayBuffer();
  const kernels = {};
  const vectors = {};
  let at = 0;
  for (const [name, shape] of weights) {
    const size = shape.reduce((a, b) => a * b, 1);
    const tensor = tf.tensor(new Float32Array(bytes, at, size), shape);
    at += 4 * size;
    if (name.endsWith("conv.weight")) kernels[name] = tf.transpose(tensor, [2, 3, 1, 0]);
    else vectors[name] = tensor;
  }
  const norm = (x, block) =>
    tf.relu(
      tf.batchNorm(
        x,
        vectors[`${block}.bn.running_mean`],
        vectors[`${block}.bn.running_var`],
        vectors[`${block}.bn.bias`],
        vectors[`${block}.bn.weight`],
        1e-5,
      ),
    );
  const forward = (sample) => {
    const skips = [];
    let x = sample;
    for (const block of ["down1", "down2", "down3", "down4"]) {
      x = norm(tf.conv2d(x, kernels[`${block}.conv.weight`], 2, "same"), block);
      skips.push(x);
    }
    x = tf.conv2d(x, kernels["bottleneck.conv.weight"], 1, "same");
    for (const block of ["up1", "up2", "up3", "up4"]) {
      const joined = tf.concat([x, skips.pop()], 3);
      const weight = kernels[`${block}.conv.weight`];
      const [n, h, w] = joined.shape;
      x = norm(tf.conv2dTranspose(joined, weight, [n, 2 * h, 2 * w, weight.shape[2]], 2, "same"), block);
    }
    const out = tf.conv2d(tf.concat([x, sample], 3), kernels["out.conv.weight"], 1, "same");
    return tf.add(out, vectors["out.conv.bias"]);
  };
  const run = (steps) =>
    timed(steps, async (steps) => {
      let x = tf.ones([count, 32, 32, 3]);
      for (let step = 0; step < steps; step++) {
        const next = tf.tidy(() => tf.sub(tf.mul(x, 1.01), tf.mul(forward(x), 0.02)));
        x.dispose();
        x = next;
      }
      await x.data();
      x.dispose();
    });
  /** eps of [N,C,H,W], to see that it is the same network. */
  run.eps = async (values, n) => {
    const x = tf.transpose(tf.tensor(values, [n, 3, 32, 32]), [0, 2, 3, 1]);
    return tf
      .transpose(
        tf.tidy(() => forward(x)),
        [0, 3, 1, 2],
      )
      .data();
  };
  return run;
}

/** The same network in jax-js, compiled, with x on the GPU; on the diet, as it has no ConvTranspose and no BatchNormalization. */
async function makeJax(count) {
  await init("webgpu");
  defaultDevice("webgpu");
  const model = new ONNXModel(new Uint8Array(await (await fetch("/diet.onnx")).arrayBuffer()));
  const next = jit((x) => x.ref.mul(1.01).sub(model.run({ sample: x }).out_sample.mul(0.02)));
  const run = (steps) =>
    timed(steps, async (steps) => {
      let x = np.ones([count, 3, 32, 32]);
      for (let step = 0; step < steps; step++) x = next(x);
      await x.data();
    });
  run.eps = (values, n) =>
    model.run({ sample: np.array(new Float32Array(values)).reshape([n, 3, 32, 32]) }).out_sample.data();
  return run;
}

/** Kernels and their workgroups that the page itself, not a worker, has had a GPU start. */
const dispatched = { kernels: 0, groups: 0 };
const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
GPUComputePassEncoder.prototype.dispatchWorkgroups = function (x, y = 1, z = 1) {
  dispatched.kernels++;
  dispatched.groups += x * y * z;
  return dispatchWorkgroups.call(this, x, y, z);
};

globalThis.bench = { dispatched, makeJax, makeLibrary, makeLoop, makeTensorflow };
