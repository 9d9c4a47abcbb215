/** What training carries from step to step, as the manifest's `state` lists it. */

import { initialise, type Manifest, type StateTensor, UserError } from "@onnx-diffusion/diffusion";

/** The values of one tensor. */
export type StateArray = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Values by name, in the order of the manifest's `state`. */
export type State = ReadonlyMap<string, StateArray>;

/** The state before the first step. Same manifest and seed, same bits. */
export function initialState(manifest: Manifest, seed: number): State {
  return new Map(manifest.state.map((tensor, index) => [tensor.name, initialise(tensor, index, seed)]));
}

/** Elements of a tensor. */
export function sizeOf(tensor: StateTensor): number {
  return tensor.shape.reduce((product, dim) => product * dim, 1);
}

/** Parameters and buffers: the tensors of an export, in the order of the manifest. */
export function exportedTensors(manifest: Manifest): StateTensor[] {
  return manifest.state.filter(({ kind }) => kind === "parameter" || kind === "buffer");
}

/**
 * What is exported for parameters and buffers: their moving averages where the manifest has such, else themselves.
 */
export function exportedValues(manifest: Manifest, state: State): State {
  const averages = new Map(
    manifest.state.filter(({ kind }) => kind === "average").map(({ of, name }) => [of, name]),
  );
  return new Map(exportedTensors(manifest).map(({ name }) => [name, state.get(averages.get(name) ?? name)!]));
}

/** The name of the first tensor with a value that is not finite. */
export function firstNotFinite(state: State): string | undefined {
  for (const [name, values] of state) {
    if (values instanceof Int32Array) continue;
    // One sum instead of a test for each: NaN and infinity both stay in it (x - x is NaN for them, else 0).
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
    if (sum !== 0) return name;
  }
  return undefined;
}

/**
 * A typed array over bytes or values that a runtime or a file returned.
 *
 * @throws UserError if dtype or size are not the tensor's.
 */
export function asStateArray(tensor: StateTensor, data: unknown, where: string): StateArray {
  const wanted =
    tensor.dtype === "float32" ? Float32Array : tensor.dtype === "int32" ? Int32Array : undefined;
  if (wanted === undefined) {
    throw new UserError(`${where}: "${tensor.name}" is ${tensor.dtype}, expected float32 or int32`);
  }
  if (!(data instanceof wanted) || data.length !== sizeOf(tensor)) {
    const found =
      data instanceof Float32Array || data instanceof Int32Array
        ? `${data.length} values of ${data instanceof Float32Array ? "float32" : "int32"}`
        : typeof data;
    throw new UserError(
      `${where}: "${tensor.name}" has ${found}, expected ${sizeOf(tensor)} of ${tensor.dtype}`,
    );
  }
  return data as StateArray;
}
