/** What a model is, in numbers: inputs and outputs, operators, parameters, cost. */
import { symbolsOf, unknownsOf } from "../dim.js";
import { bytesPerElement, type DType, isFloat } from "../dtype.js";
import { GraphError } from "../errors.js";
import { importModel } from "../import.js";
import { inOrder } from "../import-order.js";
import type { Model, ModelGraph, ModelInitializer, ModelValue } from "../model.js";
import { estimateFlops } from "./flops.js";
import { estimateMemory } from "./memory.js";
import { bodiesOf } from "./order.js";

interface Count {
  readonly name: string;
  readonly count: number;
}

/** Tensors under one name: how many elements and bytes they have together. */
interface Amount {
  readonly name: string;
  readonly elements: number;
  readonly bytes: number;
}

export interface Inspection {
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  /** Nodes by operator, those in bodies included, the most frequent first. */
  readonly operators: readonly (Count & { readonly flops?: number })[];
  /** Initializers of floating point with an axis at least. */
  readonly parameters: Amount;
  /** They by the first part of their names. */
  readonly groups: readonly Amount[];
  /** All other initializers: indices, shapes, single numbers. */
  readonly constants: Amount;
  /** The sizes for which operations and memory are given. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly flops?: number;
  /** Bytes of the values in memory where they are the most, and the node that runs then. */
  readonly activations?: { readonly bytes: number; readonly at: string };
  /** Why operations and memory are not known. */
  readonly problem?: string;
}

/** @throws GraphError for a size that the model has not, and for a graph whose names do not fit together. */
export function inspectModel(model: Model, bound: Readonly<Record<string, number>> = {}): Inspection {
  const nodes = graphsIn(model.graph).flatMap((graph) => graph.nodes);
  const operators = new Map<string, number>();
  for (const { domain, opType } of nodes) {
    const name = domain === undefined ? opType : `${domain}.${opType}`;
    operators.set(name, (operators.get(name) ?? 0) + 1);
  }
  const initializers = graphsIn(model.graph).flatMap((graph) => graph.initializers);
  const parameters = initializers.filter(({ dtype, shape }) => isFloat(dtype) && shape.length > 0);
  const cost = costOf(model, bound);
  return {
    inputs: withoutInitializers(model.graph),
    outputs: model.graph.outputs,
    operators: [...operators]
      .map(([name, count]) => {
        const flops = cost.byOperator.get(name);
        return { name, count, ...(flops === undefined ? {} : { flops }) };
      })
      .sort((a, b) => (b.flops ?? 0) - (a.flops ?? 0) || b.count - a.count || (a.name < b.name ? -1 : 1)),
    parameters: sum("", parameters),
    groups: groupsOf(parameters),
    constants: sum(
      "",
      initializers.filter((i) => !parameters.includes(i)),
    ),
    ...cost.known,
  };
}

const withoutInitializers = ({ inputs, initializers }: ModelGraph): ModelValue[] => {
  const stored = new Set(initializers.map(({ name }) => name));
  return inputs.filter(({ name }) => !stored.has(name));
};

const graphsIn = (graph: ModelGraph): ModelGraph[] => [
  graph,
  ...graph.nodes.flatMap(bodiesOf).flatMap(graphsIn),
];

const elementsOf = ({ shape }: ModelInitializer): number => shape.reduce((a, b) => a * b, 1);

function sum(name: string, tensors: readonly ModelInitializer[]): Amount {
  const total = (of: (t: ModelInitializer) => number) => tensors.reduce((all, t) => all + of(t), 0);
  return {
    name,
    elements: total(elementsOf),
    bytes: total((t) => elementsOf(t) * bytesPerElement(t.dtype as DType)),
  };
}

/** By as many leading parts of the names as it takes to tell two groups apart. */
function groupsOf(tensors: readonly ModelInitializer[]): Amount[] {
  const parts = (name: string) => name.replace(/^\//, "").split(/[./]/);
  const longest = Math.max(0, ...tensors.map(({ name }) => parts(name).length));
  for (let depth = 1; depth <= longest; depth++) {
    const groups = new Map<string, ModelInitializer[]>();
    for (const tensor of tensors) {
      const all = parts(tensor.name);
      const key = all.slice(0, Math.max(1, Math.min(depth, all.length - 1))).join(".");
      groups.set(key, [...(groups.get(key) ?? []), tensor]);
    }
    if (groups.size > 1 || depth === longest) return [...groups].map(([key, list]) => sum(key, list));
  }
  return [];
}

interface Cost {
  readonly known: Pick<Inspection, "sizes" | "flops" | "activations" | "problem">;
  readonly byOperator: ReadonlyMap<string, number>;
}

const notKnown = (sizes: Readonly<Record<string, number>>, error: unknown): Cost => {
  if (!(error instanceof GraphError)) throw error;
  return { known: { sizes, problem: error.message }, byOperator: new Map() };
};

/** Operations and memory at the given sizes, 1 for those that are not given. */
function costOf(model: Model, bound: Readonly<Record<string, number>>): Cost {
  let names: readonly string[];
  try {
    names = namedSizes(model);
  } catch (error) {
    return notKnown(bound, error);
  }
  const unknown = Object.keys(bound).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new GraphError(
      `the model has no size of the name "${unknown}"; ${names.length === 0 ? "all its sizes are numbers" : `its named sizes are ${names.join(", ")}`}`,
    );
  const sizes = Object.fromEntries(names.map((name) => [name, bound[name] ?? 1]));
  try {
    const { total, byOperator } = estimateFlops(model, { sizes });
    const { peak, at } = estimateMemory(model, { sizes, order: inOrder });
    return { known: { sizes, flops: total, activations: { bytes: peak, at } }, byOperator };
  } catch (error) {
    return notKnown(sizes, error);
  }
}

/** The names in the sizes of all values, those of the inputs first. */
function namedSizes(model: Model): string[] {
  const { inputs, nodes } = importModel(model);
  const tensors = [...Object.values(inputs), ...[...nodes.values()].flat()];
  const names = tensors.flatMap(({ shape }) => shape.flatMap((dim) => unknownsOf(dim, new Map())));
  const outputs = model.graph.outputs.flatMap(({ shape }) => shape.flatMap(symbolsOf));
  return [...new Set([...names, ...outputs.filter((name) => /^\w+$/.test(name))])];
}
