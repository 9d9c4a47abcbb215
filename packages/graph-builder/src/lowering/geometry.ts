/** The sizes of convolutions, of layers and of nodes. */
import { isStatic, type Shape } from "../dim.js";
import type { NodeSource } from "../tensor.js";
import type { ConvGeometry } from "./lowering.js";
import type { ImageGeometry } from "./products.js";

/** Where a layer's input is: on the large side of a convolution, on the small of a transposed one. */
export type Side = "large" | "small";

/**
 * Sizes of both sides, where they are known and the strides come out even; undefined otherwise.
 *
 * @param weight of PyTorch's shape.
 */
export function imageGeometry(
  side: Side,
  x: Shape,
  weight: Shape,
  geometry: ConvGeometry,
): ImageGeometry | undefined {
  const size: Shape = x.slice(2);
  if (!isStatic(size) || !isStatic(weight)) return undefined;
  const { kernel, stride, pad } = geometry;
  const other = size.map((n, i) =>
    side === "large" ? (n + 2 * pad - kernel[i]!) / stride + 1 : (n - 1) * stride + kernel[i]! - 2 * pad,
  );
  if (!other.every((n) => Number.isInteger(n) && n > 0)) return undefined;
  const [large, small] = side === "large" ? [size, other] : [other, size];
  const [filters, channels] = weight as readonly [number, number, ...number[]];
  const sizes = { large: large as [number, number], small: small as [number, number] };
  return { ...geometry, ...sizes, channels, filters };
}

/** The geometry of a two-dimensional convolution; undefined where it is none, or another than the lowerings know. */
export function geometryOf({ op, inputs, attributes, outputs }: NodeSource): ConvGeometry | undefined {
  if (op.name !== "Conv" && op.name !== "ConvTranspose") return undefined;
  const kernel = inputs[1]!.shape.slice(2);
  const list = (name: string, usual: number): readonly number[] =>
    (attributes[name] as readonly number[] | undefined) ?? [usual];
  const [strides, pads] = [list("strides", 1), list("pads", 0)];
  const isAlike = [strides, pads].every((values) => values.every((value) => value === values[0]));
  const isPlain =
    list("dilations", 1).every((value) => value === 1) &&
    list("output_padding", 0).every((value) => value === 0) &&
    (attributes.group ?? 1) === 1 &&
    (attributes.auto_pad ?? "NOTSET") === "NOTSET" &&
    attributes.output_shape === undefined;
  if (kernel.length !== 2 || !isAlike || !isPlain || outputs[0]!.dtype !== "float32") return undefined;
  return { kernel: kernel as [number, number], stride: strides[0]!, pad: pads[0]! };
}
