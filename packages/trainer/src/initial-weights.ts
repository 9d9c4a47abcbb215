/** Weights to begin with instead of random ones (`--init`). */

import { readFileSync } from "node:fs";
import { decodeStateDict, fileError, type Manifest } from "@onnx-diffusion/diffusion";
import { digestOfBytes } from "./artifacts.js";
import type { StateArray } from "./state.js";

export interface InitialWeights {
  /** SHA-256 of the file. */
  readonly digest: string;
  /** Of every parameter and buffer, by name. */
  readonly values: ReadonlyMap<string, StateArray>;
}

/**
 * Reads a safetensors file: an exported `weights.safetensors`, or a `state_dict` of the same network in PyTorch.
 *
 * @throws UserError if it cannot be read or does not fit the model.
 */
export function readInitialWeights(path: string, manifest: Manifest): InitialWeights {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(`--init: cannot read ${path}`, error);
  }
  const values = decodeStateDict(bytes, manifest.state, { where: `--init ${path}` });
  return { digest: digestOfBytes(bytes).sha256, values };
}
