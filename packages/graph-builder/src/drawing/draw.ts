import { GraphError } from "../errors.js";
import { type ImportedModel, importModel } from "../import.js";
import type { Model } from "../model.js";
import { diagramOf } from "./diagram.js";
import { layOut } from "./layout.js";
import { toSvg } from "./svg.js";

/**
 * A picture of a model's graph as SVG: a box for each node with the shape of what it makes, scopes in frames; in large
 * graphs a box for each scope. Shapes are left out where the builder has not all of the operators.
 * @throws GraphError for values that depend on themselves or are defined twice.
 */
export async function drawModel(model: Model, title: string): Promise<string> {
  const nodes = typesOf(model);
  const drawing = await layOut(diagramOf(model, (node, i) => nodes?.get(node)?.[i]));
  return toSvg(drawing, title);
}

function typesOf(model: Model): ImportedModel["nodes"] | undefined {
  try {
    return importModel(model).nodes;
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}
