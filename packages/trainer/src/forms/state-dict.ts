import { encodeStateDict } from "@onnx-diffusion/diffusion";
import type { Form } from "./form.js";

/** What `torch.nn.Module.load_state_dict(strict=True)` of the same network takes. */
export const stateDict: Form = {
  isModelFolder: false,
  isWeightsAlone: true,
  files: ({ manifest, weights, provenance }) => [
    {
      name: "model.safetensors",
      bytes: encodeStateDict(weights, manifest.state, provenance),
      what: "PyTorch's state_dict of the network, in float32: `model.load_state_dict(safetensors.torch.load_file(path))`",
    },
  ],
};
