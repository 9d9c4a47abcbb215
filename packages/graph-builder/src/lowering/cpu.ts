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
import { correlate, type ImageGeometry, scatter } from "./products.js";

const toNHWC = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
const fromNHWC = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);

/** [O,C,kh,kw] <-> [O, kh*kw*C] */
const weightLayout = {
  toKernel(weight: Tensor): Tensor {
    const [o, c, kh, kw] = weight.shape as [number, number, number, number];
    return reshape(transpose(reshape(weight, [o, c, kh * kw]), [0, 2, 1]), [o, kh * kw * c]);
  },
  fromKernel(kernel: Tensor, shape: readonly number[]): Tensor {
    const [o, c, kh, kw] = shape as [number, number, number, number];
    return reshape(transpose(reshape(kernel, [o, kh * kw, c]), [0, 2, 1]), [o, c, kh, kw]);
  },
};

const withBias = (y: Tensor, bias: Tensor | undefined): Tensor => fromNHWC(bias ? add(y, bias) : y);

/** Products of matrices on [N,H,W,C]: the form for CPUs. */
export const cpu: Lowering = {
  target: "cpu",
  weightLayout,
  conv2d(x, weight, bias, geometry) {
    const g = imageGeometry(x, geometry, "large");
    return g
      ? fromNHWC(correlate(toNHWC(x), weightLayout.toKernel(weight), g, bias))
      : native.conv2d(x, weight, bias, geometry);
  },
  convTranspose2d(x, weight, bias, geometry) {
    const g = imageGeometry(x, geometry, "small");
    return g
      ? withBias(scatter(toNHWC(x), weightLayout.toKernel(weight), g), bias)
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

/** Sizes of both sides, where the image's size is known and the strides come out even; undefined otherwise. */
function imageGeometry(
  x: Tensor,
  geometry: ConvGeometry,
  side: "large" | "small",
): ImageGeometry | undefined {
  const size: Shape = x.shape.slice(2);
  if (!isStatic(size)) return undefined;
  const { kernel, stride, pad } = geometry;
  const other = size.map((n, i) =>
    side === "large" ? (n + 2 * pad - kernel[i]!) / stride + 1 : (n - 1) * stride + kernel[i]! - 2 * pad,
  );
  if (!other.every((n) => Number.isInteger(n) && n > 0)) return undefined;
  const [large, small] = side === "large" ? [size, other] : [other, size];
  return { ...geometry, large: large as [number, number], small: small as [number, number] };
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
