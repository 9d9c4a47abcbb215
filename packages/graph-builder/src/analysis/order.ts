/** The order in which the nodes of a graph run. */
import { inOrder, usesOf } from "../import-order.js";
import type { ModelGraph, ModelNode } from "../model.js";

/** The order in which a runtime takes a graph's nodes. */
export type Order = (graph: ModelGraph) => readonly ModelNode[];

/** As the file has them; a file in which nodes come before what they read is put in order first. */
export const fileOrder: Order = inOrder;

/**
 * As ONNX Runtime runs a graph on one stream before it optimizes it: depth first from the nodes whose outputs no other
 * node reads, the last one in the file first; of what a node reads, the last one in the file first.
 */
export const onnxRuntimeOrder: Order = ({ nodes }) => {
  const makers = new Map(nodes.flatMap((node, index) => node.outputs.map((name) => [name, index] as const)));
  const needs = nodes.map((node) =>
    [...usesOf(node)].flatMap((name) => makers.get(name) ?? []).sort((a, b) => a - b),
  );
  const read = new Set(needs.flat());
  const stack = nodes.flatMap((_, index) => (read.has(index) ? [] : [{ index, done: false }]));
  const seen = new Set<number>();
  const order: ModelNode[] = [];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.done) order.push(nodes[top.index]!);
    else if (!seen.has(top.index)) {
      seen.add(top.index);
      stack.push({ index: top.index, done: true });
      for (const index of needs[top.index]!) if (!seen.has(index)) stack.push({ index, done: false });
    }
  }
  return order;
};

/** The graphs inside a node. */
export const bodiesOf = (node: ModelNode): ModelGraph[] =>
  Object.values(node.attributes).flatMap(({ type, value }) =>
    type === "graph" ? [value as ModelGraph] : [],
  );
