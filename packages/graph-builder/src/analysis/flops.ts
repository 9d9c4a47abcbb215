/** How much a model computes, from its nodes and shapes alone. */
import { evaluateDim, formatShape, type Shape, unknownsOf } from "../dim.js";
import { GraphError } from "../errors.js";
import { type ImportedModel, importModel } from "../import.js";
import type { Model, ModelGraph, ModelNode } from "../model.js";
import { dependencies, type NodeSource, type Tensor, topological } from "../tensor.js";
import { bodiesOf } from "./order.js";

/** For which sizes operations are counted. */
export interface FlopsOptions {
  /** Values of the named sizes: `{ batch: 16 }`. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Floating-point operations of one run. */
export interface FlopsEstimate {
  readonly total: number;
  /** By the operators' names, those in bodies as often as they run. */
  readonly byOperator: ReadonlyMap<string, number>;
}

/**
 * Floating-point operations of one run: a multiply-add is two, an operation on each element one for each, whatever the
 * function; what moves data is free. A loop counts as often as it runs, of a node's several bodies the dearest.
 * @throws GraphError for an operator that the builder has not, or a named size without a value.
 */
export function estimateFlops(model: Model, { sizes = {} }: FlopsOptions = {}): FlopsEstimate {
  const imported = importModel(model);
  const values = new Map(Object.entries(sizes));
  const count = (shape: Shape): number =>
    shape.reduce<number>((product, dim) => product * sizeOfDim(dim, shape, values), 1);
  return costOf(model.graph, { ...readerOf(imported), count });
}

function sizeOfDim(dim: number | string, shape: Shape, sizes: ReadonlyMap<string, number>): number {
  const value = evaluateDim(dim, sizes);
  if (value !== undefined) return value;
  const missing = unknownsOf(dim, sizes).map((name) => `${JSON.stringify(name)}: …`);
  throw new GraphError(
    `operations: a value is ${formatShape(shape)} and no size is given for all of it; pass sizes: { ${missing.join(", ")} }`,
  );
}

interface Reader {
  /** What a node of the file became: one node, or several where it is read as others. */
  sourcesOf(node: ModelNode): readonly NodeSource[];
  count(shape: Shape): number;
}

function readerOf({ nodes, values }: ImportedModel): Pick<Reader, "sourcesOf"> {
  const known = new Set(values.values());
  // A node that is read as its input (Dropout) owns nothing.
  const owners = new Map<Tensor, ModelNode>();
  for (const [node, results] of nodes) for (const t of results) if (!owners.has(t)) owners.set(t, node);
  return {
    sourcesOf(node) {
      const results = (nodes.get(node) ?? []).filter((t) => owners.get(t) === node);
      const own = (t: Tensor) => results.includes(t) || !(known.has(t) || owners.has(t));
      const inner = topological(results, (t) => (own(t) ? dependencies(t) : [])).filter(own);
      return [...new Set(inner.flatMap(({ source }) => (source.kind === "node" ? [source] : [])))];
    },
  };
}

function costOf(graph: ModelGraph, reader: Reader): FlopsEstimate {
  const byOperator = new Map<string, number>();
  const add = (name: string, flops: number) => byOperator.set(name, (byOperator.get(name) ?? 0) + flops);
  for (const node of graph.nodes) {
    const sources = reader.sourcesOf(node);
    for (const source of sources) {
      const { op, outputs } = source;
      const usual = op.elementwise ? reader.count(outputs[0]!.shape) : 0;
      const flops = op.flops?.(source, reader.count) ?? usual;
      if (flops > 0) add(node.opType, flops);
    }
    const bodies = bodiesOf(node).map((body) => costOf(body, reader));
    const dearest = bodies.sort((a, b) => b.total - a.total)[0];
    const times = dearest && sources[0]?.op.repeats ? sources[0].op.repeats(sources[0], reader.count) : 1;
    for (const [name, flops] of dearest?.byOperator ?? []) add(name, times * flops);
  }
  return { total: [...byOperator.values()].reduce((a, b) => a + b, 0), byOperator };
}
