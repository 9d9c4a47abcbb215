/** What a model needs in memory while it runs, from its nodes and shapes alone. */
import { evaluateDim, formatShape, unknownsOf } from "../dim.js";
import { bytesPerElement } from "../dtype.js";
import { GraphError } from "../errors.js";
import { importModel } from "../import.js";
import { operatorOf } from "../import-checks.js";
import { usesOf } from "../import-order.js";
import type { Model, ModelGraph, ModelNode, ModelValue } from "../model.js";
import type { Tensor } from "../tensor.js";
import { bodiesOf, fileOrder, type Order } from "./order.js";

/** For which sizes and in which order the memory is estimated. */
export interface MemoryOptions {
  /** Values of the named sizes: `{ batch: 16 }`. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** The order in which nodes run; by default that of the file. */
  readonly order?: Order;
}

/** Bytes that a run takes, and where it takes the most. */
export interface MemoryEstimate {
  /** Bytes of the graph's inputs. */
  readonly inputs: number;
  /** Bytes of the initializers and of nodes that are constants, those of bodies included. */
  readonly initializers: number;
  /** The largest number of bytes that computed values, the graph's outputs among them, take at one time. */
  readonly peak: number;
  /** The name of the node that runs at that time; "" where nothing is computed. */
  readonly at: string;
  /** What is in memory at that time, the largest first. A loop's or branch's own values stand in one entry. */
  readonly live: readonly { readonly name: string; readonly bytes: number }[];
}

/**
 * An estimate of a run's memory: each computed value lives from its node to the last node that reads it, outputs to the
 * end. What reads its input in another shape (Reshape) shares its memory, and what acts on each element writes over an
 * operand of the same size that nothing reads later, as ONNX Runtime has it. Scratch memory of kernels and what an
 * allocator keeps in reserve are not counted.
 * @throws GraphError for an operator that the builder has not, or a named size without a value.
 */
export function estimateMemory(model: Model, options: MemoryOptions = {}): MemoryEstimate {
  const { sizes = {}, order = fileOrder } = options;
  const { nodes } = importModel(model);
  const known = new Map(Object.entries(sizes));
  const bytesOf = (value: Omit<ModelValue, "name">, name: string): number =>
    value.shape.reduce<number>((size, dim) => size * sizeOfDim(dim, value, name, known), 1) *
    bytesPerElement(value.dtype);
  const total = (values: readonly ModelValue[]) => values.reduce((sum, v) => sum + bytesOf(v, v.name), 0);
  const stored = new Set(model.graph.initializers.map(({ name }) => name));
  const constants = [...nodes].flatMap(([node, results]) =>
    results.flatMap((t, i) => (t.source.kind === "constant" ? [{ ...t, name: node.outputs[i]! }] : [])),
  );
  return {
    inputs: total(model.graph.inputs.filter(({ name }) => !stored.has(name))),
    initializers: total([...graphsIn(model.graph).flatMap((graph) => graph.initializers), ...constants]),
    ...peakOf(model.graph, { bytesOf, typesOf: (node) => nodes.get(node)!, order }, false),
  };
}

function sizeOfDim(
  dim: number | string,
  { dtype, shape }: Omit<ModelValue, "name">,
  name: string,
  sizes: ReadonlyMap<string, number>,
): number {
  const value = evaluateDim(dim, sizes);
  if (value !== undefined) return value;
  const missing = unknownsOf(dim, sizes);
  throw new GraphError(
    `memory: "${name}" is ${dtype} ${formatShape(shape)} and no value is given for ${missing.join(", ")}; pass sizes: { ${missing.map((m) => `${JSON.stringify(m)}: …`).join(", ")} }`,
  );
}

interface Reader {
  bytesOf(type: Omit<ModelValue, "name">, name: string): number;
  typesOf(node: ModelNode): readonly Tensor[];
  readonly order: Order;
}

type Peak = Pick<MemoryEstimate, "peak" | "at" | "live">;

/** Runs a graph on paper. The inputs of a body are computed values; those of the model are counted apart. */
function peakOf(graph: ModelGraph, reader: Reader, isBody: boolean): Peak {
  const order = reader.order(graph);
  const { holderOf, lastUse } = lifetimes(graph, order);
  // Outputs have the names of sizes that the file gives them.
  const declared = new Map(graph.outputs.map((value) => [value.name, value]));
  const live = new Map<string, number>();
  let now = 0;
  let best: Peak = { peak: 0, at: "", live: [] };
  const hold = (name: string, bytes: number) => {
    live.set(name, bytes);
    now += bytes;
  };
  const release = (name: string) => {
    now -= live.get(name) ?? 0;
    live.delete(name);
  };
  const note = (at: string, inside = 0) => {
    if (now + inside <= best.peak) return;
    const entries = [...live].map(([name, bytes]) => ({ name, bytes }));
    if (inside > 0) entries.push({ name: `${at} (inside)`, bytes: inside });
    best = { peak: now + inside, at, live: entries.sort((a, b) => b.bytes - a.bytes) };
  };
  if (isBody) for (const value of graph.inputs) hold(value.name, reader.bytesOf(value, value.name));
  order.forEach((node, step) => {
    // What the node writes over changes hands before the node is counted, what it only reads after.
    const dies = (name: string) => live.has(name) && lastUse.get(name) === step;
    const inside = bodiesOf(node).map((body) => peakOf(body, reader, true).peak);
    if (inside.length > 0) note(node.name, Math.max(...inside));
    const operands = [...new Set(node.inputs.map((name) => holderOf.get(name) ?? name))];
    const types = reader.typesOf(node);
    node.outputs.forEach((name, i) => {
      if (name === "" || holderOf.get(name) !== name || types[i]!.source.kind === "constant") return;
      const bytes = reader.bytesOf(declared.get(name) ?? types[i]!, name);
      const reused = operatorOf(node)?.elementwise
        ? operands.find((operand) => dies(operand) && live.get(operand) === bytes)
        : undefined;
      if (reused !== undefined) release(reused);
      hold(name, bytes);
    });
    note(node.name);
    for (const name of [...usesOf(node), ...node.outputs]) {
      const holder = holderOf.get(name) ?? name;
      if (dies(holder)) release(holder);
    }
  });
  return best;
}

/** For each value the one whose memory it lies in, and for each of those the last step that reads it. */
function lifetimes(graph: ModelGraph, order: readonly ModelNode[]) {
  const holderOf = new Map<string, string>();
  const lastUse = new Map<string, number>();
  const use = (name: string, step: number) => lastUse.set(holderOf.get(name) ?? name, step);
  for (const { name } of graph.inputs) holderOf.set(name, name);
  order.forEach((node, step) => {
    for (const name of usesOf(node)) use(name, step);
    node.outputs.forEach((name, i) => {
      const seen = i === 0 && operatorOf(node)?.view ? node.inputs[0]! : name;
      holderOf.set(name, holderOf.get(seen) ?? seen);
      use(name, step);
    });
  });
  for (const { name } of graph.outputs) use(name, Number.POSITIVE_INFINITY);
  return { holderOf, lastUse };
}

/** A graph and all graphs inside its nodes. */
const graphsIn = (graph: ModelGraph): ModelGraph[] => [
  graph,
  ...graph.nodes.flatMap(bodiesOf).flatMap(graphsIn),
];
