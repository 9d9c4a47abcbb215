/** A folder as the trainer exports it: a small network of the real kind, with the weights that training starts from. */
import { createHash } from "node:crypto";
import {
  encodeStateDict,
  initialise,
  type Manifest,
  parseManifest,
  serializeManifest,
} from "@onnx-diffusion/diffusion";
import { modelFiles, type Network, unetTime } from "@onnx-diffusion/graph-builder";

/** name -> contents, the manifest last. 3x32x32, 10 classes, T = 400. */
export const smallModel = (): Promise<Map<string, Uint8Array>> =>
  exported(unetTime({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12], time: 32 }));

/** The folder of a network with the weights that training starts from. */
export async function exported(network: Network, seed = 5): Promise<Map<string, Uint8Array>> {
  const emitted = await modelFiles(network);
  const text = new TextDecoder().decode(emitted.get("manifest.json"));
  const manifest = parseManifest(text, "the emitted manifest");
  const values = manifest.state.map((tensor, i) => [tensor.name, initialise(tensor, i, seed)] as const);
  const contents = new Map([
    ["inference_model.onnx", emitted.get("inference_model.onnx")!],
    ["weights.safetensors", encodeStateDict(new Map(values), manifest.state)],
  ]);
  const digests = [...contents].map(([name, bytes]) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return [name, { sha256, bytes: bytes.byteLength }] as const;
  });
  const folder: Manifest = {
    ...manifest,
    graphs: { inference_model: manifest.graphs.inference_model! },
    files: Object.fromEntries(digests),
  };
  return contents.set("manifest.json", new TextEncoder().encode(serializeManifest(folder)));
}
