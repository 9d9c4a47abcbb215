import { modelFolderFiles } from "./files.js";
import type { Form } from "./form.js";
import { halfName, halves } from "./half.js";
import { asFloat32, node, type StoredWeight, type Weight } from "./store-weights.js";

/** Half the bytes to download; runtimes widen the weights once, when they load them. */
export const fp16Weights: Form = {
  isModelFolder: true,
  files: (source) =>
    modelFolderFiles(
      source,
      storeHalf,
      "the weights in float16 (biases and statistics in float32) under PyTorch's names, at the same time the graph's external data",
    ),
};

/** ONNX's number of float32, for Cast. */
const FLOAT32 = { type: "int", value: 1 } as const;

/** Biases, scales and running statistics stay: they are a thousandth of the bytes, and variances may be tiny. */
function storeHalf(weight: Weight): StoredWeight {
  const { name, shape, values } = weight;
  if (shape.length < 2) return asFloat32(weight);
  const graphName = halfName(name);
  return {
    tensors: [{ name, graphName, dtype: "float16", shape, data: halves(name, values) }],
    nodes: [node("Cast", [graphName], name, { to: FLOAT32 })],
  };
}
