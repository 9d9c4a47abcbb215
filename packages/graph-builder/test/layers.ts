/** A convolution or a transposed one in several lowerings, on the same random values. */
import {
  type ConvGeometry,
  gradients,
  input,
  type Lowering,
  mul,
  reduceSum,
  type Tensor,
} from "../src/index.js";
import { compile, floats, randoms, type Value } from "./run.js";

export interface Layer {
  readonly op: "conv2d" | "convTranspose2d";
  readonly geometry: ConvGeometry;
  /** Of the input, the weight, the result, and of the bias where there is one; `n` stands for the batch. */
  readonly shapes: readonly (readonly (number | string)[])[];
  readonly batch: number;
  /** Of the random numbers. */
  readonly start: number;
}

/**
 * The result, the gradients of its product with `seed`, and gradients of these: every product as value and as gradient.
 */
function outputsOf(lowering: Lowering, { op, geometry }: Layer, [x, w, seed, bias]: readonly Tensor[]) {
  const y = lowering[op](x!, w!, bias, geometry);
  const [dx, dw] = gradients(reduceSum(mul(y, seed!)), [x!, w!]);
  const [ddw, dds] = gradients(reduceSum(mul(dx!, dx!)), [w!, seed!]);
  const [ddx] = gradients(reduceSum(mul(dw!, dw!)), [x!]);
  return { y, dx: dx!, dw: dw!, ddw: ddw!, dds: dds!, ddx: ddx! };
}

/** What the layer gives in each lowering, by name. */
export async function layers(lowerings: readonly Lowering[], layer: Layer): Promise<Record<string, Value>[]> {
  const inputs = layer.shapes.map((shape, i) => input(`input${i}`, "float32", shape));
  const random = randoms(layer.start);
  const values = layer.shapes.map((shape) => {
    const dims = shape.map((dim) => (typeof dim === "number" ? dim : layer.batch));
    const length = dims.reduce((a, b) => a * b);
    return floats(
      dims,
      Float32Array.from({ length }, () => random() - 0.5),
    );
  });
  return Promise.all(
    lowerings.map(async (lowering) => (await compile(inputs, outputsOf(lowering, layer, inputs)))(values)),
  );
}

/** The largest difference, of the largest value. */
export function furthest(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(Number(a[i]) - Number(b[i])));
    largest = Math.max(largest, Math.abs(Number(b[i])));
  }
  return difference / largest;
}
