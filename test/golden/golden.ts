/** Reading the reference numbers of this folder, and how far two tensors are apart. */
import { readFileSync } from "node:fs";
import { decodeSafetensors } from "@onnx-diffusion/diffusion";

export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The tensors of `<file>.safetensors`. */
export function golden(file: string) {
  const { tensors } = decodeSafetensors(readFileSync(new URL(`${file}.safetensors`, import.meta.url)));
  const find = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${file}.safetensors has no ${name}`);
    return found;
  };
  return {
    get: (name: string) => find(name).data as Numbers,
    shape: (name: string) => find(name).shape,
    has: (name: string) => tensors.has(name),
    names: [...tensors.keys()],
  };
}

/** |a - b| / |b| in the Euclidean norm. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}
