/** A model and its data in another floating-point type. */
import {
  type DType,
  dtypeFromOnnx,
  dtypeToOnnx,
  elementAt,
  isFloat,
  type TypedArray,
  toTypedArray,
} from "../../src/dtype.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode } from "../../src/model.js";
import type { Value } from "../run.js";

export type Float = "float32" | "float64";

/** The same model with every floating-point value of the given type, conversions included. */
export const recastModel = (model: Model, to: Float): Model => ({
  ...model,
  graph: recastGraph(model.graph, to),
});

export function recastValue(value: Value, to: Float): Value {
  const { dtype, data } = recastData(value.dtype, value.data, to);
  return { dtype, dims: value.dims, data };
}

function recastData(dtype: DType, data: TypedArray, to: Float): { dtype: DType; data: TypedArray } {
  if (!isFloat(dtype)) return { dtype, data };
  const numbers = Array.from({ length: data.length }, (_, i) => elementAt(dtype, data, i));
  return { dtype: to, data: toTypedArray(to, numbers) };
}

function recastGraph(graph: ModelGraph, to: Float): ModelGraph {
  const value = <T extends { readonly dtype: DType }>(v: T): T => ({
    ...v,
    dtype: isFloat(v.dtype) ? to : v.dtype,
  });
  // Resize takes its scales in float32 whatever the image is.
  const scales = new Set(graph.nodes.filter((n) => n.opType === "Resize").map((n) => n.inputs[2]));
  return {
    ...graph,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    initializers: graph.initializers.map((t) => (scales.has(t.name) ? t : recastTensor(t, to))),
    nodes: graph.nodes.map((node) => recastNode(node, to)),
  };
}

function recastNode(node: ModelNode, to: Float): ModelNode {
  const attributes = Object.entries(node.attributes).map(
    ([name, attribute]) => [name, recastAttribute(node.opType, name, attribute, to)] as const,
  );
  // What ONNX gives where no value is named.
  const usual = node.opType === "ConstantOfShape" && !node.attributes.value;
  const zero = { name: "", dtype: to, shape: [1], data: toTypedArray(to, [0]) };
  return {
    ...node,
    attributes: {
      ...(usual && { value: { type: "tensor", value: zero } as const }),
      ...Object.fromEntries(attributes),
    },
  };
}

function recastAttribute(opType: string, name: string, attribute: ModelAttribute, to: Float): ModelAttribute {
  const { type, value } = attribute;
  if (type === "tensor") return { type, value: recastTensor(value as ModelInitializer, to) };
  if (type === "graph") return { type, value: recastGraph(value as ModelGraph, to) };
  const converts = opType === "Cast" && name === "to" && isFloat(dtypeFromOnnx(value as number) ?? "bool");
  return converts ? { type, value: dtypeToOnnx(to) } : attribute;
}

function recastTensor(tensor: ModelInitializer, to: Float): ModelInitializer {
  if (!ArrayBuffer.isView(tensor.data)) throw new Error("test data lies in the file itself");
  return { ...tensor, ...recastData(tensor.dtype, tensor.data, to) };
}
