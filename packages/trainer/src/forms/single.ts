import { writeOnnx } from "@onnx-diffusion/graph-builder";
import { graphFile } from "./files.js";
import type { Form } from "./form.js";

/** For programs that take one file or one buffer. */
export const single: Form = {
  isModelFolder: true,
  files(source) {
    const { model, weights, provenance } = source;
    const initializers = model.graph.initializers.map((initializer) => ({
      ...initializer,
      data: weights.get(initializer.name) ?? initializer.data,
    }));
    const bytes = writeOnnx({
      ...model,
      metadata: { ...model.metadata, ...provenance },
      graph: { ...model.graph, initializers },
    });
    return [graphFile(source, bytes)];
  },
};
