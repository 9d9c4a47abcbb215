/** A manifest with one tensor of each kind, for tests that need no graph. */

import type { Manifest } from "@onnx-diffusion/diffusion";

export const smallManifest: Manifest = {
  format: "onnx-diffusion",
  version: 1,
  network: { name: "small", options: {} },
  image: { channels: 1, height: 2, width: 3, range: [-1, 1] },
  classes: 4,
  timestep: false,
  prediction: "eps",
  schedule: { kind: "linear", T: 50, betaStart: 1e-4, betaEnd: 0.02 },
  state: [
    {
      name: "w",
      kind: "parameter",
      dtype: "float32",
      shape: [2, 2],
      initializer: { kind: "uniform", low: -1, high: 1 },
    },
    {
      name: "mean",
      kind: "buffer",
      dtype: "float32",
      shape: [2],
      initializer: { kind: "constant", value: 0 },
    },
    {
      name: "w.m",
      kind: "optimizer",
      dtype: "float32",
      shape: [2, 2],
      initializer: { kind: "constant", value: 0 },
      of: "w",
    },
    { name: "step", kind: "counter", dtype: "int32", shape: [], initializer: { kind: "constant", value: 0 } },
  ],
  graphs: {
    training_loop: { file: "training_loop.onnx", target: "cpu", inputs: [], outputs: [] },
    inference_model: {
      file: "inference_model.onnx",
      target: "gpu",
      inputs: [
        { name: "sample", dtype: "float32", shape: ["batch", 1, 2, 3] },
        { name: "class_labels", dtype: "int32", shape: ["batch"] },
      ],
      outputs: [{ name: "out_sample", dtype: "float32", shape: ["batch", 1, 2, 3] }],
    },
  },
  files: {
    "training_loop.onnx": { sha256: "a".repeat(64), bytes: 1 },
    "inference_model.onnx": { sha256: "b".repeat(64), bytes: 1 },
  },
};
