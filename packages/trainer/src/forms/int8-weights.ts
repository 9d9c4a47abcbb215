import { modelFolderFiles } from "./files.js";
import type { Form } from "./form.js";
import { asFloat32, node, type StoredWeight, type Weight } from "./store-weights.js";

/** A quarter of the bytes; runtimes widen the weights once, when they load them. */
export const int8Weights: Form = {
  isModelFolder: true,
  files: (source) =>
    modelFolderFiles(
      source,
      storeInt8,
      "the weights in int8 (biases and statistics in float32) under PyTorch's names, each beside the `.scale` [first axis] by which it is multiplied; at the same time the graph's external data",
    ),
};

/** ONNX's number of float32, for Cast. */
const FLOAT32 = { type: "int", value: 1 } as const;
const LARGEST = 127;

/**
 * int8 times a scale for each index of the first axis. Cast and Mul instead of DequantizeLinear: every runtime has
 * them, and folds them into one constant, where a DequantizeLinear is kept for later fusion and runs each time.
 */
function storeInt8(weight: Weight): StoredWeight {
  const { name, shape, values } = weight;
  if (shape.length < 2) return asFloat32(weight);
  const rows = shape[0]!;
  const width = values.length / rows;
  const scales = Float32Array.from({ length: rows }, (_, row) => {
    let largest = 0;
    for (const value of values.subarray(row * width, (row + 1) * width)) {
      largest = Math.max(largest, Math.abs(value));
    }
    // any scale does for a row of zeros
    return largest / LARGEST || 1;
  });
  const integers = Int8Array.from(values, (value, i) => Math.round(value / scales[Math.floor(i / width)]!));
  const scale = `${name}.scale`;
  const [stored, widened] = [`${name}.int8`, `${name}.int8.float32`];
  const scaleShape = [rows, ...shape.slice(1).map(() => 1)];
  return {
    tensors: [
      { name: scale, graphName: scale, dtype: "float32", shape: scaleShape, data: scales },
      { name, graphName: stored, dtype: "int8", shape, data: integers },
    ],
    nodes: [node("Cast", [stored], widened, { to: FLOAT32 }), node("Mul", [widened, scale], name)],
  };
}
