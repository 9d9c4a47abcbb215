/** From handles to a model: collects what the outputs reach, removes duplicates, names and orders everything. */
import { formatShape } from "./dim.js";
import { GraphError } from "./errors.js";
import {
  type Model,
  type ModelAttribute,
  type ModelGraph,
  type ModelInitializer,
  type ModelNode,
  type ModelValue,
  OPSET,
} from "./model.js";
import { identity } from "./ops/identity.js";
import {
  type ConstantSource,
  capturedBy,
  dependents,
  isSubgraph,
  type Needs,
  type NodeSource,
  type Subgraph,
  type Tensor,
  topological,
} from "./tensor.js";

/** What a model is built from. */
export interface ModelDefinition {
  readonly name: string;
  /** The graph's inputs, in order; all that the outputs reach must be among them. */
  readonly inputs: readonly Tensor[];
  /** Outputs by name, in order; a Map where names may be numbers, which a record would sort. */
  readonly outputs: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;
  /** What to write into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The model of these outputs. Equal computations appear once, unused ones not at all, and names depend on the
 * definition alone: the same definition gives the same bytes. Nodes, values and initializers that were read from a file
 * keep the names that they had there.
 * @throws GraphError for an input that is used and not declared, or declared twice.
 */
export function buildModel({ name, inputs, outputs, metadata = {} }: ModelDefinition): Model {
  const builder = new Builder();
  const named = outputs instanceof Map ? [...outputs] : Object.entries(outputs);
  // Output names are taken first, so that they are exactly as asked for.
  for (const [outputName] of named) builder.names.take(outputName);
  const graph = builder.graph(name, inputs, named, "main");
  return { graph: { ...graph, initializers: builder.initializers }, opset: OPSET, metadata };
}

/** The tensor that an alias stands for. */
function resolve(tensor: Tensor): Tensor {
  let t = tensor;
  while (t.source.kind === "node" && t.source.op.alias) t = t.source.inputs[t.index]!;
  return t;
}

/** What must be computed before a tensor; aliases are seen through. */
const needs: Needs = ({ source }) => {
  if (source.kind !== "node") return [];
  const captured = capturedBy(source, needs).map(resolve);
  return [
    ...source.inputs.flatMap((t) => (t ? [resolve(t)] : [])),
    ...(source.op.lazy ? captured.filter((t) => t.source.kind !== "node") : captured),
  ];
};

class Names {
  private readonly used = new Set<string>();
  private readonly next = new Map<string, number>();

  /** The name itself if it is free, else with the first free number. */
  take(wanted: string): string {
    let name = wanted;
    for (let n = this.next.get(wanted) ?? 2; this.used.has(name); n++) {
      name = `${wanted}_${n}`;
      this.next.set(wanted, n + 1);
    }
    this.used.add(name);
    return name;
  }
}

class Builder {
  readonly names = new Names();
  readonly initializers: ModelInitializer[] = [];
  private readonly valueNames = new Map<Tensor, string>();
  /** Computation (operator, operands, attributes) -> the output names of the node that has it. */
  private readonly known = new Map<string, readonly string[]>();
  /** Name, type and hash of what is known when the graph is written -> the initializers that have them. */
  private readonly constants = new Map<string, readonly ModelInitializer[]>();

  /**
   * One graph: the main one, a body that runs many times, whose own computations are those that depend on its inputs, or
   * a branch that may not run at all, whose own are all that are not known yet.
   */
  graph(
    name: string,
    inputs: readonly Tensor[],
    outputs: readonly (readonly [string, Tensor])[],
    kind: "main" | "body" | "branch",
  ): ModelGraph {
    const declared = inputs.map((t) => this.declare(t, kind));
    const results = outputs.map(([outputName, t]) => [outputName, asOutput(resolve(t))] as const);
    const wanted = new Map(results.map(([outputName, t]) => [t, outputName]));
    const roots = results.map(([, t]) => t);
    const nodes: ModelNode[] = [];
    const inside = kind === "body" ? dependents(roots, inputs, needs) : undefined;
    for (const tensor of topological(roots, needs)) {
      if (this.valueNames.has(tensor) || (inside && !inside.has(tensor))) continue;
      this.emit(tensor, wanted, nodes);
    }
    const values = results.map(
      ([outputName, t]): ModelValue => ({ name: outputName, dtype: t.dtype, shape: t.shape }),
    );
    // Two names for one value, or a value that an outer graph computed: the second name is a copy.
    for (const [outputName, t] of results) {
      const computed = this.valueNames.get(t)!;
      if (computed !== outputName)
        nodes.push(node(this.names.take(`${outputName}/Identity`), "Identity", [computed], [outputName]));
    }
    return { name, nodes, inputs: declared, outputs: values, initializers: [] };
  }

  private declare(t: Tensor, kind: "main" | "body" | "branch"): ModelValue {
    if (t.source.kind !== "input")
      throw new GraphError(
        `buildModel: an input is computed (${t.dtype} ${formatShape(t.shape)}); declare tensors made by input()`,
      );
    const name = this.names.take(t.source.name);
    if (kind === "main" && name !== t.source.name)
      throw new GraphError(
        `buildModel: the name "${t.source.name}" is used by two inputs or outputs; names must differ`,
      );
    this.valueNames.set(t, name);
    return { name, dtype: t.dtype, shape: t.shape };
  }

  private emit(tensor: Tensor, wanted: ReadonlyMap<Tensor, string>, nodes: ModelNode[]): void {
    const { source } = tensor;
    if (source.kind === "constant") this.valueNames.set(tensor, this.constant(tensor, source));
    else if (source.kind === "node") this.node(source, wanted, nodes);
    else
      throw new GraphError(
        `buildModel: the outputs need the input "${source.name}" (${tensor.dtype} ${formatShape(tensor.shape)}), which is not among the declared inputs; add it`,
      );
  }

  private node(source: NodeSource, wanted: ReadonlyMap<Tensor, string>, nodes: ModelNode[]): void {
    const inputs = source.inputs.map((t) => (t ? this.valueNames.get(resolve(t))! : ""));
    const hasBody = Object.values(source.attributes).some(isSubgraph);
    const key = hasBody
      ? undefined
      : `${source.op.name}(${inputs.join()})${attributeKey(source)}#${source.outputs.length}`;
    const same = key === undefined ? undefined : this.known.get(key);
    if (same) {
      for (const [i, t] of source.outputs.entries()) this.valueNames.set(t, same[i]!);
      return;
    }
    const name = this.names.take(
      source.origin?.name || `${source.scope ? `${source.scope}/` : ""}${source.op.name}`,
    );
    const attributes = Object.fromEntries(
      Object.entries(source.attributes).map(([attribute, value]) => [
        attribute,
        this.attribute(source, attribute, value, name),
      ]),
    );
    const outputs = source.outputs.map((t, i) => {
      const own = wanted.get(t) ?? this.names.take(source.origin?.outputs[i] || `${name}:${i}`);
      this.valueNames.set(t, own);
      return own;
    });
    if (key !== undefined) this.known.set(key, outputs);
    nodes.push({ name, opType: source.op.name, inputs, outputs, attributes });
  }

  private attribute(
    source: NodeSource,
    attribute: string,
    value: NodeSource["attributes"][string],
    owner: string,
  ): ModelAttribute {
    const type = source.op.attributes?.[attribute];
    if (!type) throw new Error(`${source.op.name} declares no attribute "${attribute}"`);
    if (isSubgraph(value)) return { type, value: this.body(value, owner, source.op.lazy === true) };
    // Tensors are attributes of nodes that are read as others, and so of none that is written.
    return { type, value: value as Exclude<typeof value, Tensor> };
  }

  private body(graph: Subgraph, owner: string, lazy: boolean): ModelGraph {
    const outputs = graph.outputs.map((t, i) => [this.names.take(`${owner}/out_${i}`), t] as const);
    if (!lazy) return this.graph(`${owner}/body`, graph.inputs, outputs, "body");
    // What is computed here is known here alone.
    const [values, known] = [new Set(this.valueNames.keys()), new Set(this.known.keys())];
    const body = this.graph(`${owner}/body`, graph.inputs, outputs, "branch");
    for (const t of this.valueNames.keys())
      if (!values.has(t) && t.source.kind !== "constant") this.valueNames.delete(t);
    for (const key of this.known.keys()) if (!known.has(key)) this.known.delete(key);
    return body;
  }

  private constant(tensor: Tensor, { data, name }: ConstantSource): string {
    const content = ArrayBuffer.isView(data) ? hashOf(data) : JSON.stringify(data);
    const key = `${name ?? ""}:${tensor.dtype}${formatShape(tensor.shape)}#${content}`;
    const alike = this.constants.get(key) ?? [];
    const same = alike.find(
      (other) => !ArrayBuffer.isView(data) || isSame(data, other.data as ArrayBufferView),
    );
    if (same) return same.name;
    const own = this.names.take(name || `constant_${this.initializers.length + 1}`);
    const initializer = { name: own, dtype: tensor.dtype, shape: tensor.shape as number[], data };
    this.initializers.push(initializer);
    this.constants.set(key, [...alike, initializer]);
    return own;
  }
}

/** An output that nothing computes (an input or a constant handed through) gets a node that does. */
const asOutput = (t: Tensor): Tensor => (t.source.kind === "node" ? t : identity(t));

const node = (name: string, opType: string, inputs: string[], outputs: string[]): ModelNode => ({
  name,
  opType,
  inputs,
  outputs,
  attributes: {},
});

function attributeKey({ attributes }: NodeSource): string {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a of an array's bytes, 32 bits. */
function hashOf(data: ArrayBufferView): number {
  const bytes = bytesOf(data);
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function isSame(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const [ours, theirs] = [bytesOf(a), bytesOf(b)];
  if (ours.length !== theirs.length) return false;
  for (let i = 0; i < ours.length; i++) if (ours[i] !== theirs[i]) return false;
  return true;
}
