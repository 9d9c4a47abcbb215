/** Initializers whose bytes lie in other files (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md). */
import { viewBytes } from "../dtype.js";
import { GraphError, quote } from "../errors.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer } from "../model.js";
import type { ExternalData } from "../tensor.js";

/** Gives the bytes at a place beside the model file; the place has been checked to lie beneath its folder by name. */
export type ReadExternal = (place: ExternalData) => Promise<Uint8Array>;

/** What to load. */
export interface LoadOptions {
  /** Which initializers to load: all by default. */
  readonly only?: (initializer: ModelInitializer) => boolean;
}

/**
 * The model with its external data in place.
 * @param read - asked once for each initializer; where the files are is the caller's business.
 * @throws GraphError where `read` gives another number of bytes than the initializer has.
 */
export async function loadExternalData(
  model: Model,
  read: ReadExternal,
  { only = () => true }: LoadOptions = {},
): Promise<Model> {
  const tensor = async (initializer: ModelInitializer): Promise<ModelInitializer> => {
    const { name, dtype, data } = initializer;
    if (ArrayBuffer.isView(data) || !only(initializer)) return initializer;
    const bytes = await read(data);
    if (bytes.length !== data.length)
      throw new GraphError(
        `initializer ${quote(name)}: external data of ${bytes.length} bytes, expected ${data.length}; the file ${quote(data.location)} is cut off or another one`,
      );
    return { ...initializer, data: viewBytes(dtype, bytes) };
  };
  const attribute = async ({ type, value }: ModelAttribute): Promise<ModelAttribute> => ({
    type,
    value:
      type === "graph"
        ? await graphOf(value as ModelGraph)
        : type === "tensor"
          ? await tensor(value as ModelInitializer)
          : value,
  });
  const graphOf = async (graph: ModelGraph): Promise<ModelGraph> => {
    const nodes = [];
    for (const node of graph.nodes) {
      const attributes: [string, ModelAttribute][] = [];
      for (const [name, value] of Object.entries(node.attributes))
        attributes.push([name, await attribute(value)]);
      nodes.push({ ...node, attributes: Object.fromEntries(attributes) });
    }
    const initializers = [];
    for (const initializer of graph.initializers) initializers.push(await tensor(initializer));
    return { ...graph, nodes, initializers };
  };
  return { ...model, graph: await graphOf(model.graph) };
}

/** A location that stays beneath the model's folder on every system. @throws GraphError for any other. */
export function checkLocation(location: string | undefined, where: string): string {
  if (!location) throw new GraphError(`${where}: external data without a location; export the model again`);
  const parts = location.split("/");
  const escapes = parts.includes("..") || location.startsWith("/") || /^[A-Za-z]:|[\\\0]/.test(location);
  if (!escapes && parts.at(-1) !== "" && parts.at(-1) !== ".") return location;
  throw new GraphError(
    `${where}: external data lies at ${quote(location)}; expected a file beneath the model's folder, as a relative path with "/" and without ".."`,
  );
}
