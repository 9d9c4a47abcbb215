/**
 * Convolution on [N,H,W,C], its adjoint, and the gradient of both by the weight: three products, each the gradient of the
 * two others.
 */
import type { ConvolutionShape } from "@onnx-diffusion/diffusion";
import { customVjp, reduceSum } from "../ops/index.js";
import type { WeightLayout } from "../params.js";
import type { Tensor } from "../tensor.js";

/** A convolution's sizes, with those of its small side, which follow. */
export interface ImageGeometry extends ConvolutionShape {
  /** Height and width of the small side: a convolution's output, a transposed one's input. */
  readonly small: readonly [number, number];
}

/** A way to compute the three products, without their gradients. */
export interface ProductForm {
  /** Whether it can compute a convolution. Default: any. */
  applies?(g: ConvolutionShape): boolean;
  /** How it wants its weights, which are [O,C,kh,kw] in PyTorch. */
  readonly weightLayout: WeightLayout;
  /** Convolution: x [N,H,W,C], weight, bias [O] -> [N,h,w,O]. */
  correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor;
  /** Transposed convolution, its adjoint: y [N,h,w,O], weight -> [N,H,W,C]. */
  scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor;
  /** The gradient of both by the weight: x [N,H,W,C], y [N,h,w,O] -> weight. */
  outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor;
}

/** {@link ProductForm.correlate} with its gradient. */
export function correlate(
  form: ProductForm,
  x: Tensor,
  weight: Tensor,
  g: ImageGeometry,
  bias?: Tensor,
): Tensor {
  const value = form.correlate(x, weight, g, bias);
  return customVjp([value], [x, weight, ...(bias ? [bias] : [])], (dy) => [
    scatter(form, dy!, weight, g),
    outer(form, x, dy!, g),
    ...(bias ? [reduceSum(dy!, { axes: [0, 1, 2] })] : []),
  ])[0]!;
}

/** {@link ProductForm.scatter} with its gradient. */
export function scatter(form: ProductForm, y: Tensor, weight: Tensor, g: ImageGeometry): Tensor {
  const value = form.scatter(y, weight, g);
  return customVjp([value], [y, weight], (dx) => [
    correlate(form, dx!, weight, g),
    outer(form, dx!, y, g),
  ])[0]!;
}

function outer(form: ProductForm, x: Tensor, y: Tensor, g: ImageGeometry): Tensor {
  const value = form.outer(x, y, g);
  return customVjp([value], [x, y], (dw) => [scatter(form, y, dw!, g), correlate(form, x, dw!, g)])[0]!;
}
