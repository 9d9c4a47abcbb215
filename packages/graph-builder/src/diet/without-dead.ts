import type { ModelGraph } from "../model.js";

/** Without the nodes and initializers that no output needs. */
export function withoutDead(graph: ModelGraph): ModelGraph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes = [...graph.nodes].reverse().filter(({ inputs, outputs }) => {
    if (!outputs.some((name) => needed.has(name))) return false;
    for (const name of inputs) needed.add(name);
    return true;
  });
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: graph.initializers.filter(({ name }) => needed.has(name)),
  };
}
