import { UserError } from "@onnx-diffusion/diffusion";
import type { VerifyOptions } from "../commands/verify.js";
import { defineCommand, given } from "./command.js";

export const verifyLine = defineCommand<VerifyOptions>({
  name: "verify",
  words: { folder: "Model folder" },
  usage: `trainer verify DIR

Checks a model folder: the digest of every file, operators and shapes of every graph, that graph and weights are of one
export, that all weights are numbers, and that the network answers a known question as it did where it was exported.`,
  examples: [["trainer verify runs/unet-cond/model-fp16-weights", "before it is uploaded"]],
  flags: {},
  options(typed) {
    const folder = given(typed, "folder");
    if (folder !== undefined) return { folder };
    throw new UserError("verify: which folder? such as trainer verify runs/unet-cond/model", { usage: true });
  },
  run: async (options) => (await import("../commands/verify.js")).verifyCommand(options),
});
