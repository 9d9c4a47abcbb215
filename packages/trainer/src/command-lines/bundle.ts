import type { BundleOptions } from "../commands/bundle.js";
import { defineCommand, given, required, text } from "./command.js";

export const bundleLine = defineCommand<BundleOptions>({
  name: "bundle",
  usage: `trainer bundle --artifacts DIR [flags]

Makes one folder that trains elsewhere without any installation: Node, the trainer, ONNX Runtime, a model folder and
the data. For machines with the same system that reach no package registry.`,
  examples: [
    ["trainer bundle --artifacts models/unet-cond", "with MNIST, which comes with the trainer"],
    ["trainer bundle --artifacts models/unet-cond --provider cuda", "and with the CUDA provider's files"],
  ],
  flags: {
    artifacts: text("Model folder, made by graph-builder emit"),
    "data-dir": text("Folder with the files of another data set, to take along"),
    provider: text("Folder with libonnxruntime_providers_cuda.so and _shared.so, to take along"),
    out: text("Folder to make [default: bundle]"),
  },
  options: (typed) => ({
    artifacts: required(typed, "artifacts", "--artifacts models/unet-cond"),
    dataDir: given(typed, "data-dir"),
    provider: given(typed, "provider"),
    out: given(typed, "out") ?? "bundle",
  }),
  run: async (options) => (await import("../commands/bundle.js")).bundleCommand(options),
});
