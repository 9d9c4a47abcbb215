/** Running handles in ONNX Runtime, for tests. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { buildModel } from "../src/build.js";
import type { DType, TypedArray } from "../src/dtype.js";
import { writeOnnx } from "../src/onnx/write.js";
import type { Tensor } from "../src/tensor.js";

export interface Value {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

const value = (dtype: DType, dims: readonly number[], data: TypedArray): Value => ({
  dtype,
  dims,
  data,
});

export const floats = (
  dims: readonly number[],
  data: ArrayLike<number>,
  dtype: "float32" | "float64" = "float32",
): Value => value(dtype, dims, dtype === "float64" ? Float64Array.from(data) : Float32Array.from(data));

/** Builds the model of these outputs and runs it. */
export async function evaluate(
  inputs: readonly (readonly [Tensor, Value])[],
  outputs: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Value>> {
  const compiled = await compile(
    inputs.map(([t]) => t),
    outputs,
  );
  return compiled(inputs.map(([, v]) => v));
}

export async function compile(inputs: readonly Tensor[], outputs: Readonly<Record<string, Tensor>>) {
  const model = buildModel({ name: "test", inputs, outputs });
  const session = await InferenceSession.create(writeOnnx(model), { logSeverityLevel: 3 });
  return async (values: readonly Value[]): Promise<Record<string, Value>> => {
    const feeds = Object.fromEntries(
      model.graph.inputs.map(({ name }, i) => [
        name,
        new OrtTensor(values[i]!.dtype as "float32", values[i]!.data as Float32Array, values[i]!.dims),
      ]),
    );
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [
        name,
        { dtype: t.type as DType, dims: t.dims, data: t.data as unknown as TypedArray },
      ]),
    );
  };
}

/** Mulberry32: repeatable numbers in 0..1 for test data. */
export function randoms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
