import { diet, type Model, writeOnnx } from "@onnx-diffusion/graph-builder";
import { graphFile } from "./files.js";
import type { Form, FormSource } from "./form.js";

/** For programs that take one file or one buffer. */
export const single: Form = {
  isModelFolder: true,
  hasDiet: true,
  files: (source) => {
    const model = withWeights(source);
    return [graphFile(source, writeOnnx(source.diet ? diet(model) : model))];
  },
};

/** The graph with its weights inside. */
export function withWeights({ model, weights, provenance }: FormSource): Model {
  const initializers = model.graph.initializers.map((initializer) => ({
    ...initializer,
    data: weights.get(initializer.name) ?? initializer.data,
  }));
  return {
    ...model,
    metadata: { ...model.metadata, ...provenance },
    graph: { ...model.graph, initializers },
  };
}
