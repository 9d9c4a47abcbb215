/**
 * The form for CPUs: activations lie as [N,H,W,C], convolutions are products of matrices in both directions.
 * Tensors stay [N,C,H,W] for whoever writes the network; the Transposes at the borders of the layers cancel.
 */
import { type Dim, isStatic, mulDims, type Shape } from "../dim.js";
import { add, reduceSum, reshape, transpose } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import { normalizeBatch } from "./batch-norm.js";
import type { ConvGeometry, Lowering } from "./lowering.js";
import { multiplyMasks } from "./masks.js";
import { native } from "./native.js";
import { correlate, formFor, type ImageGeometry, scatter } from "./products.js";

const toNHWC = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
const fromNHWC = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);

const withBias = (y: Tensor, bias: Tensor | undefined): Tensor => fromNHWC(bias ? add(y, bias) : y);

/** Products of matrices on [N,H,W,C]: the form for CPUs. */
export const cpu: Lowering = {
  target: "cpu",
  weightLayout(side, x, weight, geometry) {
    const g = imageGeometry(side, x, weight, geometry);
    return g && formFor(g).weightLayout;
  },
  conv2d(x, weight, bias, geometry) {
    const g = imageGeometry("large", x.shape, weight.shape, geometry);
    return g
      ? fromNHWC(correlate(toNHWC(x), formFor(g).weightLayout.toKernel(weight), g, bias))
      : native.conv2d(x, weight, bias, geometry);
  },
  convTranspose2d(x, weight, bias, geometry) {
    const g = imageGeometry("small", x.shape, weight.shape, geometry);
    return g
      ? withBias(scatter(toNHWC(x), formFor(g).weightLayout.toKernel(weight), g), bias)
      : native.convTranspose2d(x, weight, bias, geometry);
  },
  batchNorm2d(x, scale, bias, epsilon) {
    const { y, ...statistics } = normalizeBatch(toNHWC(x), scale, bias, epsilon, {
      axes: [0, 1, 2],
      sum: sumOfPixels,
      spread: (t) => t,
    });
    return { y: fromNHWC(y), ...statistics };
  },
  finish: multiplyMasks,
};

/** Sizes of both sides, where they are known and the strides come out even; undefined otherwise. */
export function imageGeometry(
  side: "large" | "small",
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

/**
 * [N,H,W,C] -> [C]: within each image, then over the images. Two short sums lose less than one long one, and the first
 * runs on all cores.
 */
function sumOfPixels(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, Dim, Dim, Dim];
  const images = reshape(x, [batch, mulDims(height, width), channels]);
  return reduceSum(reduceSum(images, { axes: [1] }), { axes: [0] });
}
