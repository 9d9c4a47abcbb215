/** What Node and the page do alike: build models with the builder. */
import {
  add,
  buildModel,
  Collector,
  constant,
  conv2d,
  cpu,
  gradients,
  input,
  linear,
  modelFiles,
  mul,
  reduceMean,
  reshape,
  tanh,
  unetTime,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";

/** A small convolutional network's loss with its gradient by the images [N,1,8,8] and by the first weight. */
export function gradientModel(): Uint8Array {
  const provide = ({ name, shape }: { name: string; shape: readonly number[] }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    // Thirds and elevenths: the same float32 in every engine.
    return constant(
      "float32",
      shape,
      Float32Array.from({ length: size }, (_, i) => ((i % 11) - 5) / 33),
      name,
    );
  };
  const collector = new Collector({ training: true, lowering: cpu, provide });
  const p = collector.root;
  const images = input("images", "float32", ["batch", 1, 8, 8]);
  const features = tanh(conv2d(p.at("conv"), images, { channels: 4, kernel: 4, stride: 2, pad: 1 }));
  const y = linear(p.at("out"), reshape(features, ["batch", 64]), { features: 3 });
  const loss = reduceMean(mul(add(y, 1), y));
  const [dImages, dWeight] = gradients(loss, [images, collector.tensors.get("conv.weight")!]);
  return writeOnnx(
    buildModel({
      name: "gradient",
      inputs: [images],
      outputs: { loss, dImages: dImages!, dWeight: dWeight! },
    }),
  );
}

/** SHA-256 (hex) of every model that the builder makes here: the above, and all files of a small diffusion model. */
export async function digests(): Promise<Record<string, string>> {
  const network = unetTime({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] });
  const files = new Map([["gradient.onnx", gradientModel()], ...(await modelFiles(network))]);
  const result: Record<string, string> = {};
  for (const [name, bytes] of files) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
    result[name] = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return result;
}
