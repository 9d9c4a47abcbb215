/** The same computations of other operands. */
import {
  type Attributes,
  dependencies,
  dependents,
  input,
  isSubgraph,
  type NodeSource,
  type Subgraph,
  type Tensor,
} from "./tensor.js";

export interface SubstituteOptions {
  /** Tensors that stay what they are, whatever they are computed from. */
  readonly keep?: readonly Tensor[];
  /** The scope of a copied node. */
  scope?(node: NodeSource): string;
}

/**
 * `tensors` with each key of `replaced` exchanged for its value: all nodes between the two are copied as they stand, the
 * others are shared.
 */
export function substitute(
  tensors: readonly Tensor[],
  replaced: ReadonlyMap<Tensor, Tensor>,
  { keep = [], scope = (node) => node.scope }: SubstituteOptions = {},
): Tensor[] {
  const fixed = new Set([...keep, ...replaced.keys()]);
  const copies = new Map(replaced);
  const copied = new Map<NodeSource, readonly Tensor[]>();
  const copyOf = (t: Tensor): Tensor => copies.get(t) ?? t;
  for (const tensor of dependents(tensors, [...replaced.keys()], (t) =>
    fixed.has(t) ? [] : dependencies(t),
  )) {
    const { source } = tensor;
    if (copies.has(tensor) || source.kind !== "node") continue;
    const outputs = copied.get(source) ?? copyNode(source);
    copied.set(source, outputs);
    copies.set(tensor, outputs[tensor.index]!);
  }
  return tensors.map(copyOf);

  function copyNode(node: NodeSource): readonly Tensor[] {
    const outputs: Tensor[] = [];
    const source: NodeSource = {
      ...node,
      inputs: node.inputs.map((t) => t && copyOf(t)),
      attributes: copyAttributes(node.attributes),
      scope: scope(node),
      outputs,
    };
    for (const { dtype, shape, index } of node.outputs) outputs.push({ dtype, shape, source, index });
    return outputs;
  }

  function copyAttributes(attributes: Attributes): Attributes {
    return Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, isSubgraph(value) ? copyBody(value) : value]),
    );
  }

  /** A body has inputs of its own, so that two nodes never share them. */
  function copyBody(body: Subgraph): Subgraph {
    const inputs = body.inputs.map((t) =>
      t.source.kind === "input" ? input(t.source.name, t.dtype, t.shape) : t,
    );
    const inside = new Map([...copies, ...body.inputs.map((t, i) => [t, inputs[i]!] as const)]);
    return { inputs, outputs: substitute(body.outputs, inside, { keep, scope }) };
  }
}
