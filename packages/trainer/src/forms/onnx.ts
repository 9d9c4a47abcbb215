import { modelFolderFiles } from "./files.js";
import type { Form } from "./form.js";
import { asFloat32 } from "./store-weights.js";

/** What training exports, with its provenance in the files. */
export const onnx: Form = {
  isModelFolder: true,
  files: (source) =>
    modelFolderFiles(
      source,
      asFloat32,
      "the weights in float32 under PyTorch's names, at the same time the graph's external data",
    ),
};
