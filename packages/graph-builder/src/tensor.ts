/**
 * Handles. A Tensor is immutable: its element type, its shape and where it comes from. There is no graph object:
 * the graph is what the outputs reach (`buildModel`).
 */
import { formatShape, type Shape, sizeOf } from "./dim.js";
import { type DType, type TypedArray, toTypedArray } from "./dtype.js";
import { GraphError } from "./errors.js";
import type { OpEntry } from "./op.js";

/** A value in a graph: its element type, its shape, and what it comes from. Immutable; operators make new ones. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** @internal */
  readonly source: Source;
  /** Which output of the source this is. */
  readonly index: number;
}

type Source = InputSource | ConstantSource | NodeSource;

/** A value that is fed from outside, by its name. */
interface InputSource {
  readonly kind: "input";
  readonly name: string;
}

/** A value known when the graph is written, or the place in a file where it will lie. */
export interface ConstantSource {
  readonly kind: "constant";
  readonly name?: string | undefined;
  readonly data: TypedArray | ExternalData;
}

/** Where an initializer's bytes lie beside the model file. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface NodeSource {
  readonly kind: "node";
  readonly op: OpEntry;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  /** The path of the layer that made it (`down1.conv`), for names and errors. */
  readonly scope: string;
  /** The names that a file gave the node and its outputs. */
  readonly origin?: { readonly name: string; readonly outputs: readonly string[] };
  /** Filled once by the constructor. */
  readonly outputs: readonly Tensor[];
}

/** A graph inside a node (the body of Loop): a function of `inputs`; it may use tensors from outside. */
export interface Subgraph {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor | Subgraph;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A graph input. */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  return { dtype, shape, source: { kind: "input", name }, index: 0 };
}

/**
 * A constant of the given shape. Numbers are converted to the element type.
 * @throws GraphError where the shape does not hold as many elements as there are values.
 */
export function constant(
  dtype: DType,
  shape: readonly number[],
  values: ArrayLike<number | bigint | boolean> | TypedArray,
  name?: string,
): Tensor {
  const data = ArrayBuffer.isView(values) ? (values as TypedArray) : toTypedArray(dtype, values);
  if (data.length !== sizeOf(shape)) {
    throw new GraphError(
      `constant${name ? ` "${name}"` : ""}: ${data.length} values do not fill the shape ${formatShape(shape)} (${sizeOf(shape)} elements)`,
    );
  }
  return { dtype, shape, source: { kind: "constant", data, name }, index: 0 };
}

/** A constant with no axes. */
export const scalar = (value: number, dtype: DType = "float32"): Tensor => constant(dtype, [], [value]);

/** A one-dimensional int64 constant: ONNX's form for shapes, axes and indices. */
export const int64s = (values: readonly number[]): Tensor => constant("int64", [values.length], values);

/** An initializer whose bytes lie in another file (ONNX external data). */
export function externalConstant(
  name: string,
  dtype: DType,
  shape: readonly number[],
  data: ExternalData,
): Tensor {
  return { dtype, shape, source: { kind: "constant", data, name }, index: 0 };
}

/** What a tensor is made from. Gradients and files ask different questions, so this is an argument where it matters. */
export type Needs = (tensor: Tensor) => readonly Tensor[];

/** All that a tensor's node takes, what its subgraphs use from outside included. */
export const dependencies: Needs = ({ source }) =>
  source.kind === "node"
    ? [...source.inputs.filter((t): t is Tensor => t !== undefined), ...capturedBy(source, dependencies)]
    : [];

/** What the subgraphs of a node use from outside. */
export const capturedBy = (node: NodeSource, needs: Needs): readonly Tensor[] =>
  subgraphsOf(node.attributes).flatMap((graph) => captured(graph, needs));

function subgraphsOf(attributes: Attributes): Subgraph[] {
  return Object.values(attributes).filter(isSubgraph);
}

export const isSubgraph = (value: AttributeValue): value is Subgraph =>
  typeof value === "object" && "outputs" in value;

export const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "source" in value && "index" in value;

const capturedOf = new WeakMap<Subgraph, Map<Needs, readonly Tensor[]>>();

function captured(graph: Subgraph, needs: Needs): readonly Tensor[] {
  const cache = capturedOf.get(graph) ?? new Map<Needs, readonly Tensor[]>();
  capturedOf.set(graph, cache);
  const known = cache.get(needs);
  if (known) return known;
  const inside = dependents(graph.outputs, graph.inputs, needs);
  const outside = [...inside].flatMap((t) => needs(t)).concat(graph.outputs);
  // A graph without inputs (a branch) has nothing of its own: all that it reaches may be outside.
  const result =
    graph.inputs.length === 0
      ? topological(graph.outputs, needs)
      : [...new Set(outside)].filter((t) => !inside.has(t));
  cache.set(needs, result);
  return result;
}

/** All tensors on paths from any of `from` to any of `outputs`, in topological order. */
export function dependents(
  outputs: readonly Tensor[],
  from: readonly Tensor[],
  needs: Needs = dependencies,
): Set<Tensor> {
  const starts = new Set(from);
  const result = new Set<Tensor>();
  for (const tensor of topological(outputs, needs)) {
    if (starts.has(tensor) || needs(tensor).some((t) => result.has(t))) result.add(tensor);
  }
  return result;
}

/** Every tensor that the outputs reach, each after what it depends on. Iterative: depth is not bounded by the stack. */
export function topological(outputs: readonly Tensor[], needs: Needs = dependencies): Tensor[] {
  const order: Tensor[] = [];
  const done = new Set<Tensor>();
  const stack: { tensor: Tensor; next: number; pending: readonly Tensor[] }[] = [];
  const open = (tensor: Tensor) => {
    if (done.has(tensor)) return;
    done.add(tensor);
    stack.push({ tensor, next: 0, pending: needs(tensor) });
  };
  for (const output of outputs) {
    open(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const need = top.pending[top.next++];
      if (need) open(need);
      else order.push(stack.pop()!.tensor);
    }
  }
  return order;
}
