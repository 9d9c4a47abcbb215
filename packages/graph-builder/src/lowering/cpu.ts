/**
 * The form for CPUs: activations lie as [N,H,W,C], convolutions are products of matrices in both directions.
 * Tensors stay [N,C,H,W] for whoever writes the network; the Transposes at the borders of the layers cancel.
 */
import type { FormChoice } from "@onnx-diffusion/diffusion";
import { type Dim, mulDims, type Shape } from "../dim.js";
import { add, reduceSum, reshape, transpose } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import { normalizeBatch } from "./batch-norm.js";
import { type FormRule, PRODUCTS, ruleOf, usualForm } from "./forms.js";
import { imageGeometry, type Side } from "./geometry.js";
import type { ConvGeometry, Lowering } from "./lowering.js";
import { multiplyMasks } from "./masks.js";
import { native } from "./native.js";
import { correlate, scatter } from "./products.js";

const toNHWC = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
const fromNHWC = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);

const withBias = (y: Tensor, bias: Tensor | undefined): Tensor => fromNHWC(bias ? add(y, bias) : y);

/** The lowering in which a rule chooses the products of each convolution. */
function cpuBy(formOf: FormRule): Lowering {
  /** The sizes and their products; undefined where ONNX's own operators do. */
  const chosen = (side: Side, x: Shape, weight: Shape, geometry: ConvGeometry) => {
    const g = imageGeometry(side, x, weight, geometry);
    const form = g && PRODUCTS[formOf(g)];
    return form && { g, form };
  };
  return {
    target: "cpu",
    weightLayout: (side, x, weight, geometry) => chosen(side, x, weight, geometry)?.form.weightLayout,
    conv2d(x, weight, bias, geometry) {
      const found = chosen("large", x.shape, weight.shape, geometry);
      if (!found) return native.conv2d(x, weight, bias, geometry);
      const { form, g } = found;
      return fromNHWC(correlate(form, toNHWC(x), form.weightLayout.toKernel(weight), g, bias));
    },
    convTranspose2d(x, weight, bias, geometry) {
      const found = chosen("small", x.shape, weight.shape, geometry);
      if (!found) return native.convTranspose2d(x, weight, bias, geometry);
      const { form, g } = found;
      return withBias(scatter(form, toNHWC(x), form.weightLayout.toKernel(weight), g), bias);
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
}

/** Products of matrices on [N,H,W,C]: the form for CPUs. */
export const cpu: Lowering = cpuBy(usualForm);

/**
 * The form for CPUs with the products of a table, such as `trainer tune` measures; `cpu` where it says nothing.
 *
 * @throws GraphError for a form that cannot compute its shape.
 */
export const cpuWith = (table: readonly FormChoice[]): Lowering => cpuBy(ruleOf(table));

/**
 * [N,H,W,C] -> [C]: within each image, then over the images. Two short sums lose less than one long one, and the first
 * runs on all cores.
 */
function sumOfPixels(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, Dim, Dim, Dim];
  const images = reshape(x, [batch, mulDims(height, width), channels]);
  return reduceSum(reduceSum(images, { axes: [1] }), { axes: [0] });
}
