/** The files of a model folder: the graph and its weights. */

import { writeOnnx } from "@onnx-diffusion/graph-builder";
import { WEIGHTS } from "../export.js";
import type { FormFile, FormSource } from "./form.js";
import { type StoredWeight, storeWeights, type Weight } from "./store-weights.js";

/** The inference graph beside one safetensors file with the weights, each kept as `store` says. */
export function modelFolderFiles(
  source: FormSource,
  store: (weight: Weight) => StoredWeight,
  what: string,
): FormFile[] {
  const { model, bytes } = storeWeights(source, WEIGHTS, store);
  return [graphFile(source, writeOnnx(model)), { name: WEIGHTS, bytes, what }];
}

/** The entry of the inference graph. */
export function graphFile({ manifest }: FormSource, bytes: Uint8Array): FormFile {
  const { file, inputs, outputs } = manifest.graphs.inference_model!;
  const list = (values: typeof inputs) =>
    values.map(({ name, dtype, shape }) => `\`${name}\` ${dtype} [${shape.join(", ")}]`).join(", ");
  return { name: file, bytes, what: `${list(inputs)} -> ${list(outputs)}, the predicted noise` };
}
