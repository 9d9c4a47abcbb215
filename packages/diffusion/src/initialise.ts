import { UserError } from "./errors.js";
import type { StateTensor } from "./manifest.js";
import { fillNormals, fillUniform, type Stream } from "./stream.js";

/**
 * The values with which a tensor starts. Random ones come from the stream (seed, `initialise`, index).
 *
 * @param index the tensor's place in the manifest's `state`.
 * @throws UserError if the dtype is not float32, or not int32 with a constant that int32 holds.
 */
export function initialise(
  tensor: Pick<StateTensor, "name" | "dtype" | "shape" | "initializer">,
  index: number,
  seed: number,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const { name, dtype, initializer } = tensor;
  const size = tensor.shape.reduce((product, dim) => product * dim, 1);
  if (dtype === "int32" && initializer.kind === "constant") {
    if ((initializer.value | 0) !== initializer.value) {
      throw new UserError(`initializer of "${name}": found ${initializer.value}, expected an int32`);
    }
    return new Int32Array(size).fill(initializer.value);
  }
  if (dtype !== "float32") {
    throw new UserError(
      `initializer of "${name}": found ${initializer.kind} for ${dtype}, expected float32, or int32 with a constant`,
    );
  }
  const values = new Float32Array(size);
  const stream: Stream = { seed, purpose: "initialise", index };
  switch (initializer.kind) {
    case "constant":
      return values.fill(initializer.value);
    case "uniform":
      fillUniform(values, initializer.low, initializer.high, stream);
      return values;
    case "normal":
      fillNormals(values, stream);
      return values.map((z) => initializer.mean + initializer.std * z);
  }
}
