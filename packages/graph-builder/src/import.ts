/** Model -> handles: any model of the operators that the builder has can be extended and differentiated. */
import { formatShape } from "./dim.js";
import { GraphError } from "./errors.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode } from "./model.js";
import { type AttributeType, makeCall, makeNode, OPS } from "./op.js";
import "./ops/index.js";
import {
  type AttributeValue,
  constant,
  externalConstant,
  input,
  type Subgraph,
  type Tensor,
} from "./tensor.js";

export interface ImportedModel {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Every value of the main graph by its name. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** The outputs of every node, those of bodies included. */
  readonly nodes: ReadonlyMap<ModelNode, readonly Tensor[]>;
}

type Results = Map<ModelNode, readonly Tensor[]>;

/**
 * The handles of a model that was read from a file.
 * @param given - tensors to compute with in the place of inputs, by the inputs' names: so one model takes what another
 *   one gives. Inputs that are not named stay inputs.
 * @throws GraphError for an operator that the builder has not, a graph that is not in order, or a given tensor that
 *   is not of its input's type.
 */
export function importModel(model: Model, given: Readonly<Record<string, Tensor>> = {}): ImportedModel {
  checkGiven(model, given);
  const values = new Map<string, Tensor>();
  const nodes: Results = new Map();
  const { inputs, outputs } = importGraph(model.graph, values, nodes, given);
  return { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs), values, nodes };
}

function checkGiven({ graph }: Model, given: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(given)) {
    const wanted = graph.inputs.find((i) => i.name === name);
    if (!wanted) {
      const names = graph.inputs.map((i) => `"${i.name}"`).join(", ");
      throw new GraphError(
        `importModel: "${name}" is given, but the model's inputs are ${names}; check the name`,
      );
    }
    const fits =
      tensor.dtype === wanted.dtype &&
      tensor.shape.length === wanted.shape.length &&
      tensor.shape.every((dim, i) => {
        const expected = wanted.shape[i];
        return typeof dim === "string" || typeof expected === "string" || dim === expected;
      });
    if (!fits) {
      throw new GraphError(
        `importModel: input "${name}" is given ${tensor.dtype} ${formatShape(tensor.shape)}, the model expects ${wanted.dtype} ${formatShape(wanted.shape)}; convert it with cast() or reshape()`,
      );
    }
  }
}

function importGraph(
  graph: ModelGraph,
  values: Map<string, Tensor>,
  nodes: Results,
  given: Readonly<Record<string, Tensor>> = {},
) {
  for (const initializer of graph.initializers) values.set(initializer.name, importTensor(initializer));
  const inputs = graph.inputs
    .filter(({ name }) => !graph.initializers.some((i) => i.name === name))
    .map(({ name, dtype, shape }) => {
      const tensor = given[name] ?? input(name, dtype, shape);
      values.set(name, tensor);
      return [name, tensor] as const;
    });
  for (const node of graph.nodes) {
    const where = `node "${node.name || node.outputs[0]}"`;
    const op = OPS.get(node.opType);
    if (!op)
      throw new GraphError(
        `${where}: operator ${node.opType} is not supported; supported: ${[...OPS.keys()].sort().join(", ")}`,
      );
    const operands = node.inputs.map((name) => (name === "" ? undefined : find(values, name, where)));
    const given = Object.fromEntries(
      Object.entries(node.attributes).map(([name, attribute]) => [
        name,
        importAttribute(name, attribute, op.attributes?.[name], values, nodes, where),
      ]),
    );
    const counts = { inputs: node.inputs.length, outputs: node.outputs.length };
    const attributes = op.upgrade?.({ ...counts, attributes: given }) ?? given;
    const scope = node.name.includes("/") ? node.name.slice(0, node.name.lastIndexOf("/")) : node.name;
    const results = makeNode(makeCall(op, operands, attributes, node.outputs.length, scope), scope);
    nodes.set(node, results);
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (name !== "" && result) values.set(name, result);
    });
  }
  const outputs = graph.outputs.map(({ name }) => [name, find(values, name, "the outputs")] as const);
  return { inputs, outputs };
}

function find(values: ReadonlyMap<string, Tensor>, name: string, where: string): Tensor {
  const tensor = values.get(name);
  if (!tensor)
    throw new GraphError(
      `${where}: the value "${name}" is not defined before its use; the file is damaged, cyclic or not in order`,
    );
  return tensor;
}

function importAttribute(
  name: string,
  { type, value }: ModelAttribute,
  expected: AttributeType | undefined,
  values: Map<string, Tensor>,
  nodes: Results,
  where: string,
): AttributeValue {
  if (expected !== type)
    throw new GraphError(
      `${where}: attribute "${name}" (${type}) is not supported${expected ? `, expected ${expected}` : ""}`,
    );
  if (type === "graph") return importBody(value as ModelGraph, values, nodes);
  if (type === "tensor") return importTensor(value as ModelInitializer);
  return value as AttributeValue;
}

function importBody(graph: ModelGraph, outer: ReadonlyMap<string, Tensor>, nodes: Results): Subgraph {
  const { inputs, outputs } = importGraph(graph, new Map(outer), nodes);
  return { inputs: inputs.map(([, t]) => t), outputs: outputs.map(([, t]) => t) };
}

function importTensor({ name, dtype, shape, data }: ModelInitializer): Tensor {
  return ArrayBuffer.isView(data)
    ? constant(dtype, shape, data, name)
    : externalConstant(name, dtype, shape, data);
}
