/** Runs in the page: builds models there, and runs one in ONNX Runtime's WASM. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { digests, gradientModel } from "./programs.js";

env.wasm.wasmPaths = "/";

async function runGradientModel(pixels: number[], dims: number[]): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(gradientModel());
  const results = await session.run({ images: new Tensor("float32", pixels, dims) });
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]),
  );
}

const programs = { digests, runGradientModel };

declare global {
  var inPage: typeof programs;
}

globalThis.inPage = programs;
