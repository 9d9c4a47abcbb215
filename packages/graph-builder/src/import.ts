/** Model -> handles: any model of the operators that the builder has can be extended and differentiated. */
import { formatShape } from "./dim.js";
import { GraphError, quote } from "./errors.js";
import { checkForm, checkGiven, checkOperators, checkOpset, operatorOf } from "./import-checks.js";
import { inOrder, placeOf } from "./import-order.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode } from "./model.js";
import { type Call, makeCall, makeNode, type OpEntry } from "./op.js";
import { inScope } from "./scope.js";
import {
  type Attributes,
  type AttributeValue,
  constant,
  externalConstant,
  input,
  int64s,
  type NodeSource,
  type Subgraph,
  type Tensor,
} from "./tensor.js";

/** The handles of a file: what goes in, what comes out, and all between. */
export interface ImportedModel {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Every value of the main graph by its name. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** The outputs of every node, those of bodies included. */
  readonly nodes: ReadonlyMap<ModelNode, readonly Tensor[]>;
}

/**
 * The handles of a model that was read from a file. Initializers become constants, also those that are inputs too;
 * nodes may lie in any order.
 * @param given - tensors to compute with in the place of inputs, by the inputs' names: so one model takes what another
 * one gives. Inputs that are not named stay inputs.
 * @throws GraphError for a given tensor that is not of its input's type, for operators that the builder has not (all of
 * them at once), an operator set that it does not read, names that are missing, defined twice or depend on themselves,
 * and shapes that do not fit.
 */
export function importModel(model: Model, given: Readonly<Record<string, Tensor>> = {}): ImportedModel {
  checkOpset(model.opset);
  checkOperators(model.graph);
  checkGiven(model, given);
  return new Importer(model.opset).model(model.graph, given);
}

/** The values that are visible in a graph: its own, then those of the graphs around it. */
class Visible {
  readonly own = new Map<string, Tensor>();
  constructor(private readonly outer?: Visible) {}

  find(name: string, where: string): Tensor {
    for (let at: Visible | undefined = this; at; at = at.outer) {
      const tensor = at.own.get(name);
      if (tensor) return tensor;
    }
    throw new GraphError(
      `${where}: the value ${quote(name)} is neither an input nor an initializer nor the output of a node; the file is cut off or was put together wrongly`,
    );
  }
}

class Importer {
  private readonly nodes = new Map<ModelNode, readonly Tensor[]>();

  constructor(private readonly opset: number) {}

  model(graph: ModelGraph, given: Readonly<Record<string, Tensor>>): ImportedModel {
    const values = new Visible();
    const { inputs, outputs } = this.graph(graph, values, given);
    const names = new Set(outputs.map(([name]) => name));
    if (names.size < outputs.length) throw new GraphError("the model has two outputs of the same name");
    return {
      inputs: Object.fromEntries(inputs),
      outputs: Object.fromEntries(outputs),
      values: values.own,
      nodes: this.nodes,
    };
  }

  private graph(graph: ModelGraph, values: Visible, given: Readonly<Record<string, Tensor>> = {}) {
    const nodes = inOrder(graph);
    for (const initializer of graph.initializers) values.own.set(initializer.name, tensorOf(initializer));
    const inputs: [string, Tensor][] = [];
    for (const { name, dtype, shape } of graph.inputs) {
      // Before IR version 4 every initializer was an input too, whose value could be replaced.
      if (values.own.has(name)) continue;
      const tensor = lookUp(given, name) ?? input(name, dtype, shape);
      values.own.set(name, tensor);
      inputs.push([name, tensor]);
    }
    for (const node of nodes) this.node(node, values);
    const outputs = graph.outputs.map(({ name, dtype }): [string, Tensor] => {
      const where = `output ${quote(name)}`;
      const tensor = values.find(name, where);
      if (tensor.dtype === dtype) return [name, tensor];
      throw new GraphError(
        `${where}: declared as ${dtype}, but its value is ${tensor.dtype}; the file is damaged`,
      );
    });
    return { inputs, outputs };
  }

  private node(node: ModelNode, values: Visible): void {
    const where = placeOf(node);
    const op = operatorOf(node)!;
    checkForm(op, this.opset, where);
    const operands = withoutTail(node.inputs).map((name) =>
      name === "" ? undefined : values.find(name, where),
    );
    const given = this.attributes(node, op, operands, values, where);
    const scope = node.name.includes("/") ? node.name.slice(0, node.name.lastIndexOf("/")) : node.name;
    const outputs = withoutTail(node.outputs);
    const counts = { inputs: operands.length, outputs: outputs.length };
    const attributes = op.upgrade?.({ ...counts, attributes: given }) ?? given;
    const call = makeCall(op, operands, attributes, outputs.length, scope);
    const results = readNode(call, scope, { name: node.name, outputs });
    this.nodes.set(node, results);
    outputs.forEach((name, i) => {
      const result = results[i];
      if (name === "") return;
      if (!result)
        throw new GraphError(
          `${where}: ${op.name} is used with ${outputs.length} outputs, of which the builder has ${results.length}; ${quote(name)} cannot be computed`,
        );
      values.own.set(name, result);
    });
  }

  /** The node's attributes; those of older forms that are inputs now go into `operands`. */
  private attributes(
    node: ModelNode,
    op: OpEntry,
    operands: (Tensor | undefined)[],
    values: Visible,
    where: string,
  ): Attributes {
    const result: [string, AttributeValue][] = [];
    for (const [name, attribute] of Object.entries(node.attributes)) {
      const position = lookUp(op.formerly, name);
      if (position !== undefined && attribute.type === "ints" && !operands[position]) {
        while (operands.length < position) operands.push(undefined);
        operands[position] = int64s(attribute.value as readonly number[]);
      } else if (!isUsual(attribute, lookUp(op.fixed, name))) {
        result.push([name, this.attribute(name, attribute, op, values, where)]);
      }
    }
    return Object.fromEntries(result);
  }

  private attribute(
    name: string,
    { type, value }: ModelAttribute,
    op: OpEntry,
    values: Visible,
    where: string,
  ): AttributeValue {
    const expected = lookUp(op.attributes, name);
    if (expected !== type)
      throw new GraphError(
        `${where}: ${op.name} with the attribute ${quote(name)} (${type}) is not supported${expected ? `, expected ${expected}` : ""}`,
      );
    if (type === "graph") return this.body(value as ModelGraph, values);
    if (type === "tensor") return tensorOf(value as ModelInitializer);
    return value as AttributeValue;
  }

  private body(graph: ModelGraph, outer: Visible): Subgraph {
    const { inputs, outputs } = this.graph(graph, new Visible(outer));
    return { inputs: inputs.map(([, t]) => t), outputs: outputs.map(([, t]) => t) };
  }
}

/** Entries are written for what the builder makes; a file may give them less, and then it is the file's mistake. */
function readNode(call: Call, scope: string, origin: NonNullable<NodeSource["origin"]>): readonly Tensor[] {
  try {
    const others = inScope(scope, () => call.op.read?.(call));
    return others ?? makeNode(call, scope, origin);
  } catch (cause) {
    if (cause instanceof GraphError) throw cause;
    const types = call.inputs.map((t) => (t ? `${t.dtype} ${formatShape(t.shape)}` : "nothing"));
    throw new GraphError(
      `${placeOf(origin)}: ${call.op.name} is not defined for ${types.join(", ") || "no inputs"} and its attributes`,
      { cause },
    );
  }
}

/** "" at the end stands for optional values that are left out. */
function withoutTail(names: readonly string[]): readonly string[] {
  let length = names.length;
  while (length > 0 && names[length - 1] === "") length--;
  return names.slice(0, length);
}

/** A file may call an attribute `constructor`. */
function lookUp<V>(record: Readonly<Record<string, V>> | undefined, key: string): V | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

const isUsual = ({ value }: ModelAttribute, usual: AttributeValue | undefined): boolean =>
  usual !== undefined && JSON.stringify(value) === JSON.stringify(usual);

function tensorOf({ name, dtype, shape, data }: ModelInitializer): Tensor {
  if (!ArrayBuffer.isView(data)) return externalConstant(name, dtype, shape, data);
  return constant(dtype, shape, data, name);
}
