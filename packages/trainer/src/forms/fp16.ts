import { toHalf, UserError } from "@onnx-diffusion/diffusion";
import {
  importModel,
  type Model,
  type ModelAttribute,
  type ModelGraph,
  type ModelInitializer,
  type ModelNode,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { WEIGHTS } from "../export.js";
import { graphFile } from "./files.js";
import type { Form } from "./form.js";
import { halfName, halves } from "./half.js";
import { normsWithinHalf } from "./half-norms.js";
import { asFloat32, node, type StoredWeight, storeWeights, type Weight } from "./store-weights.js";

/**
 * For devices that compute faster in half precision. All that depends on the image is float16; what is made of timestep
 * and labels alone (sines of large numbers) stays float32, and so do the graph's inputs and outputs.
 */
export const fp16: Form = {
  isModelFolder: true,
  files(given) {
    const source = normsWithinHalf(given);
    const { graph, half, whole } = inHalf(source.model);
    const store = (weight: Weight): StoredWeight =>
      half.has(weight.name) ? storeHalf(weight, whole.has(weight.name)) : asFloat32(weight);
    const { model, bytes } = storeWeights({ ...source, model: { ...source.model, graph } }, WEIGHTS, store);
    return [
      graphFile(source, writeOnnx(model)),
      {
        name: WEIGHTS,
        bytes,
        what: "the weights under PyTorch's names, in the types in which the graph takes them: its external data",
      },
    ];
  },
};

/** ONNX's numbers of element types. */
const FLOAT32 = 1;
const FLOAT16 = 10;

const castTo = (to: number): Record<string, ModelAttribute> => ({ to: { type: "int", value: to } });
const toHalfNode = (name: string): ModelNode => node("Cast", [name], halfName(name), castTo(FLOAT16));

function storeHalf({ name, shape, values }: Weight, isWholeToo: boolean): StoredWeight {
  const graphName = halfName(name);
  return {
    tensors: [{ name, graphName, dtype: "float16", shape, data: halves(name, values) }],
    nodes: isWholeToo ? [node("Cast", [graphName], name, castTo(FLOAT32))] : [],
  };
}

/**
 * The graph with all that depends on `sample` in float16.
 *
 * @returns with it the names of float32 values that are taken in float16 (`half`), and as they are (`whole`).
 */
function inHalf(model: Model) {
  const { graph } = model;
  const { values } = importModel(model);
  const isFloat = (name: string): boolean => values.get(name)?.dtype === "float32";
  const initializers = new Set(graph.initializers.map(({ name }) => name));
  const dependent = new Set(["sample"]);
  const [half, whole] = [new Set<string>(), new Set<string>()];
  const nodes = [toHalfNode("sample")];
  for (const current of graph.nodes) {
    if (!current.inputs.some((name) => dependent.has(name))) {
      for (const name of current.inputs) whole.add(name);
      nodes.push(current);
      continue;
    }
    for (const name of current.outputs) dependent.add(name);
    for (const name of current.inputs) {
      if (!isFloat(name) || dependent.has(name) || half.has(name)) continue;
      half.add(name);
      if (!initializers.has(name)) nodes.push(toHalfNode(name));
    }
    const renamed = (name: string): string => (isFloat(name) ? halfName(name) : name);
    nodes.push({
      ...current,
      inputs: current.inputs.map(renamed),
      outputs: current.outputs.map(renamed),
      attributes: halfAttributes(current),
    });
  }
  const outputs = graph.outputs.map(({ name }) => node("Cast", [halfName(name)], name, castTo(FLOAT32)));
  const halved: ModelGraph = {
    ...graph,
    nodes: [...nodes, ...outputs],
    initializers: graph.initializers.flatMap((initializer) => halfInitializer(initializer, half, whole)),
  };
  return { graph: halved, half, whole };
}

/** A node's attributes: a Cast to float32 becomes one to float16. @throws UserError for a node with a graph inside. */
function halfAttributes({ name, opType, attributes }: ModelNode): ModelNode["attributes"] {
  const inside = Object.values(attributes).find(({ type }) => type === "graph" || type === "tensor");
  if (inside !== undefined) {
    throw new UserError(
      `--as fp16: node "${name}" (${opType}) has a ${inside.type} inside, which this form does not change; take fp16-weights`,
    );
  }
  const widens = opType === "Cast" && attributes.to?.value === FLOAT32;
  return widens ? { ...attributes, ...castTo(FLOAT16) } : attributes;
}

/** A constant in the types in which it is taken; weights, whose values lie elsewhere, are `storeWeights`' business. */
function halfInitializer(
  initializer: ModelInitializer,
  half: ReadonlySet<string>,
  whole: ReadonlySet<string>,
): ModelInitializer[] {
  const { name, data } = initializer;
  if (!half.has(name) || !ArrayBuffer.isView(data)) return [initializer];
  const small: ModelInitializer = {
    ...initializer,
    name: halfName(name),
    dtype: "float16",
    data: Uint16Array.from(data as Float32Array, toHalf),
  };
  return whole.has(name) ? [initializer, small] : [small];
}
