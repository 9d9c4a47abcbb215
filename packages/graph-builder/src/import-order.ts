/** The names in a graph that was read: each defined once, and its nodes in an order in which they can be computed. */
import { GraphError, quote } from "./errors.js";
import type { ModelGraph, ModelNode } from "./model.js";

/** How errors call a node of a file. */
export const placeOf = ({ name, outputs }: Pick<ModelNode, "name" | "outputs">): string =>
  `node ${quote(name || (outputs[0] ?? ""))}`;

/**
 * The nodes of a graph, each after those whose values it takes. A file that is in order keeps its order.
 * @throws GraphError for a value that is defined twice, and for values that depend on themselves.
 */
export function inOrder(graph: ModelGraph): readonly ModelNode[] {
  const makers = makersOf(graph);
  const order: ModelNode[] = [];
  const done = new Set<ModelNode>();
  const open = new Set<ModelNode>();
  const stack: { node: ModelNode; uses: readonly string[]; next: number }[] = [];
  const visit = (node: ModelNode) => {
    open.add(node);
    stack.push({ node, uses: [...usesOf(node)], next: 0 });
  };
  for (const first of graph.nodes) {
    if (!done.has(first)) visit(first);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const maker = top.next < top.uses.length ? makers.get(top.uses[top.next++]!) : null;
      if (maker === null) {
        stack.pop();
        open.delete(top.node);
        done.add(top.node);
        order.push(top.node);
      } else if (maker && open.has(maker)) {
        const circle = stack.slice(stack.findIndex(({ node }) => node === maker));
        failOnCircle(circle.map(({ uses, next }) => uses[next - 1]!));
      } else if (maker && !done.has(maker)) visit(maker);
    }
  }
  return order;
}

/** Each value that a node computes, with the node. */
function makersOf({ nodes, inputs, initializers }: ModelGraph): Map<string, ModelNode> {
  const twice = (name: string, by: string): never => {
    throw new GraphError(
      `the value ${quote(name)} is defined twice, the second time by ${by}; names must differ`,
    );
  };
  const given = new Set<string>();
  for (const { name } of inputs) if (given.size === given.add(name).size) twice(name, "an input");
  const stored = new Set<string>();
  for (const { name } of initializers)
    if (stored.size === stored.add(name).size) twice(name, "an initializer");
  const makers = new Map<string, ModelNode>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (makers.has(name) || given.has(name) || stored.has(name)) twice(name, placeOf(node));
      makers.set(name, node);
    }
  }
  return makers;
}

/** The values that a node takes, those that its bodies use from outside included. */
export function usesOf(node: ModelNode): Set<string> {
  const uses = new Set(node.inputs);
  for (const { type, value } of Object.values(node.attributes))
    if (type === "graph") for (const name of freeNames(value as ModelGraph)) uses.add(name);
  uses.delete("");
  return uses;
}

function freeNames(graph: ModelGraph): Set<string> {
  const free = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) for (const name of usesOf(node)) free.add(name);
  for (const node of graph.nodes) for (const name of node.outputs) free.delete(name);
  for (const { name } of [...graph.inputs, ...graph.initializers]) free.delete(name);
  return free;
}

/** @param values - each is needed to compute the one before it, and the last one needs the first. */
function failOnCircle(values: readonly string[]): never {
  const shown = values.slice(0, 8).map(quote);
  const rest = values.length > shown.length ? ` <- … (${values.length} values)` : ` <- ${shown[0]}`;
  throw new GraphError(
    `the graph is a circle: ${shown.join(" <- ")}${rest}; a value cannot depend on itself, so the file was put together wrongly`,
  );
}
