/** Whether a graph is what the manifest says, and one that every runtime reads. */

import { type GraphName, UserError, type ValueSpec } from "@onnx-diffusion/diffusion";
import { importModel, type Model, type ModelGraph } from "@onnx-diffusion/graph-builder";
import { graphPath, type ModelFolder } from "../artifacts.js";
import { checkOpset, explained, readGraph } from "../read-graph.js";

/** What a graph is made of. */
export interface CheckedGraph {
  readonly model: Model;
  readonly path: string;
  /** Operators, sorted. */
  readonly operators: readonly string[];
}

/**
 * Reads a graph: its operators are ONNX's own, of a set that every provider runs; its shapes fit together, and its
 * inputs and outputs are the manifest's.
 *
 * @throws UserError naming the file, what was found and what was expected.
 */
export function checkGraph(folder: ModelFolder, name: GraphName): CheckedGraph {
  const path = graphPath(folder, name);
  const model = readGraph(path);
  checkOpset(path, model);
  const operators = operatorsOf(path, model.graph);
  const spec = folder.manifest.graphs[name]!;
  compare(path, "input", model.graph.inputs, spec.inputs);
  compare(path, "output", model.graph.outputs, spec.outputs);
  // reading the handles infers every shape
  explained(path, () => importModel(model));
  return { model, path, operators: [...operators].sort() };
}

function operatorsOf(path: string, graph: ModelGraph, found = new Set<string>()): Set<string> {
  for (const { name, domain, opType, attributes } of graph.nodes) {
    if (domain !== undefined) {
      throw new UserError(
        `${path}: node "${name}" is ${domain}.${opType}, expected operators of ONNX's own domain; export it again`,
      );
    }
    found.add(opType);
    for (const { type, value } of Object.values(attributes)) {
      if (type === "graph") operatorsOf(path, value as ModelGraph, found);
    }
  }
  return found;
}

function compare(
  path: string,
  side: "input" | "output",
  found: ModelGraph["inputs"],
  expected: readonly ValueSpec[],
): void {
  const text = (value: ValueSpec | ModelGraph["inputs"][number] | undefined): string =>
    value === undefined ? "nothing" : `"${value.name}" ${value.dtype} [${value.shape.join(", ")}]`;
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    if (text(found[i]) === text(expected[i])) continue;
    throw new UserError(
      `${path}: ${side} ${i} is ${text(found[i])}, the manifest says ${text(expected[i])}; the two are not of one export`,
    );
  }
}
