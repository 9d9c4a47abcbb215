/**
 * ReLU's gradient in a form that ONNX Runtime's CPU kernels compute faster. Where(y > 0, g, 0) is a comparison and three
 * passes there (each side is chosen into a tensor of its own before both are joined); g * HardSigmoid(y) is two.
 */
import type { Model, ModelGraph, ModelNode } from "../model.js";

/** 2^127: times it every normal float above 0 is 1 or more, which HardSigmoid clips to 1. */
const STEEP = 2 ** 127;

/** The model with each Where(Greater(y, 0), g, 0) of float32 as Mul(g, HardSigmoid(y)): 1 above 0, 0 elsewhere. */
export function multiplyMasks(model: Model): Model {
  const zeros = new Set(
    model.graph.initializers
      .filter(({ dtype, shape, data }) => {
        const scalar = dtype === "float32" && shape.length === 0 && ArrayBuffer.isView(data);
        return scalar && (data as Float32Array)[0] === 0;
      })
      .map(({ name }) => name),
  );
  const graph = inGraph(model.graph, zeros);
  const used = namesIn(graph);
  return {
    ...model,
    graph: { ...graph, initializers: graph.initializers.filter(({ name }) => used.has(name)) },
  };
}

/** The names that a graph's nodes and results take, those of its bodies too. */
function namesIn(graph: ModelGraph, names = new Set<string>()): Set<string> {
  for (const { name } of graph.outputs) names.add(name);
  for (const { inputs, attributes } of graph.nodes) {
    for (const name of inputs) names.add(name);
    for (const { type, value } of Object.values(attributes))
      if (type === "graph") namesIn(value as ModelGraph, names);
  }
  return names;
}

function inGraph(graph: ModelGraph, zeros: ReadonlySet<string>): ModelGraph {
  const users = new Map<string, ModelNode[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) users.set(name, [...(users.get(name) ?? []), node]);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const isMask = ({ opType, inputs: [condition, , other] }: ModelNode, of: string) =>
    opType === "Where" && condition === of && zeros.has(other!);
  const masks = new Set(
    graph.nodes
      .filter(({ opType, inputs }) => opType === "Greater" && zeros.has(inputs[1]!))
      .map(({ outputs: [mask] }) => mask!)
      .filter((mask) => !outputs.has(mask) && users.get(mask)?.every((node) => isMask(node, mask))),
  );
  return { ...graph, nodes: graph.nodes.map((node) => rewritten(node, masks, zeros)) };
}

function rewritten(node: ModelNode, masks: ReadonlySet<string>, zeros: ReadonlySet<string>): ModelNode {
  const { opType, inputs, outputs } = node;
  if (opType === "Greater" && masks.has(outputs[0]!)) {
    const attributes = { alpha: { type: "float", value: STEEP }, beta: { type: "float", value: 0 } } as const;
    return { ...node, opType: "HardSigmoid", inputs: [inputs[0]!], attributes };
  }
  if (opType === "Where" && masks.has(inputs[0]!))
    return { ...node, opType: "Mul", inputs: [inputs[1]!, inputs[0]!] };
  const body = node.attributes.body;
  if (body?.type !== "graph") return node;
  const inside = inGraph(body.value as ModelGraph, zeros);
  return { ...node, attributes: { ...node.attributes, body: { type: "graph", value: inside } } };
}
