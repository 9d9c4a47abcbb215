/** The inference graph with its weights stored in another way. */

import { encodeSafetensors, type SafetensorsData, safetensorsLayout } from "@onnx-diffusion/diffusion";
import type { Model, ModelInitializer, ModelNode } from "@onnx-diffusion/graph-builder";
import type { FormSource } from "./form.js";

/** The file's names of the types in which weights are kept. */
const DTYPES = { float32: "F32", float16: "F16", int8: "I8" } as const;

/** A weight of the trained model. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** A tensor as it lies in the file. */
interface StoredTensor {
  /** In the safetensors file. */
  readonly name: string;
  /** In the graph. */
  readonly graphName: string;
  readonly dtype: keyof typeof DTYPES;
  readonly shape: readonly number[];
  readonly data: SafetensorsData;
}

/** A weight as a form keeps it: tensors, and the nodes that make of them a value with the weight's name. */
export interface StoredWeight {
  readonly tensors: readonly StoredTensor[];
  readonly nodes: readonly ModelNode[];
}

/** The weight as it is. */
export const asFloat32 = ({ name, shape, values }: Weight): StoredWeight => ({
  tensors: [{ name, graphName: name, dtype: "float32", shape, data: values }],
  nodes: [],
});

/** A node of one output. */
export function node(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: ModelNode["attributes"] = {},
): ModelNode {
  return { name: `${output}/${opType}`, opType, inputs, outputs: [output], attributes };
}

/**
 * The graph and its weights' file, each weight kept as `store` says.
 *
 * @param location the file's name, to which the graph's external data points.
 */
export function storeWeights(
  { manifest, model, weights, provenance }: FormSource,
  location: string,
  store: (weight: Weight) => StoredWeight,
): { model: Model; bytes: Uint8Array<ArrayBuffer> } {
  const shapes = new Map(manifest.state.map(({ name, shape }) => [name, shape]));
  const used = new Set(model.graph.initializers.map(({ name }) => name));
  const stored = [...weights].map(([name, values]) => ({
    name,
    ...store({ name, shape: shapes.get(name)!, values }),
  }));
  // Wide elements first: then every tensor begins at a multiple of its element's size.
  const tensors = stored
    .flatMap((weight) => weight.tensors.map((tensor) => ({ ...tensor, isUsed: used.has(weight.name) })))
    .sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const specs = tensors.map(({ name, dtype, shape, data }) => ({
    name,
    dtype: DTYPES[dtype],
    shape,
    data,
  }));
  const places = safetensorsLayout(specs, provenance).tensors;
  const initializers = tensors.flatMap(({ graphName, dtype, shape, isUsed }, i): ModelInitializer[] => {
    const { offset, length } = places[i]!;
    return isUsed ? [{ name: graphName, dtype, shape, data: { location, offset, length } }] : [];
  });
  const { graph } = model;
  const others = graph.initializers.filter(({ name }) => !weights.has(name));
  const nodes = stored.flatMap((weight) => (used.has(weight.name) ? weight.nodes : []));
  return {
    model: {
      ...model,
      metadata: { ...model.metadata, ...provenance },
      graph: { ...graph, initializers: [...initializers, ...others], nodes: [...nodes, ...graph.nodes] },
    },
    bytes: encodeSafetensors(specs, provenance),
  };
}
