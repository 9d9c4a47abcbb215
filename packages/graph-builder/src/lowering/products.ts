/**
 * Convolution on [N,H,W,C], its adjoint, and the gradient of both by the weight: three products, each the gradient of the
 * two others.
 */
import { customVjp, reduceSum } from "../ops/index.js";
import type { WeightLayout } from "../params.js";
import type { Tensor } from "../tensor.js";
import type { ConvGeometry } from "./lowering.js";
import { patches } from "./patches.js";
import { hasWinograd, winograd } from "./winograd.js";

/** A geometry applied to images of a known size. */
export interface ImageGeometry extends ConvGeometry {
  /** Height and width of the large side (a convolution's input). */
  readonly large: readonly [number, number];
  /** Height and width of the small side (its output). */
  readonly small: readonly [number, number];
  /** C, channels of the large side. */
  readonly channels: number;
  /** O, channels of the small side. */
  readonly filters: number;
}

/** A way to compute the three products, without their gradients. */
export interface ProductForm {
  /** How it wants its weights, which are [O,C,kh,kw] in PyTorch. */
  readonly weightLayout: WeightLayout;
  /** Convolution: x [N,H,W,C], weight, bias [O] -> [N,h,w,O]. */
  correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor;
  /** Transposed convolution, its adjoint: y [N,h,w,O], weight -> [N,H,W,C]. */
  scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor;
  /** The gradient of both by the weight: x [N,H,W,C], y [N,h,w,O] -> weight. */
  outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor;
}

/** The form that is the fastest for these sizes. */
export const formFor = (g: ImageGeometry): ProductForm => (hasWinograd(g) ? winograd : patches);

/** {@link ProductForm.correlate} with its gradient. */
export function correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor {
  const value = formFor(g).correlate(x, weight, g, bias);
  return customVjp([value], [x, weight, ...(bias ? [bias] : [])], (dy) => [
    scatter(dy!, weight, g),
    outer(x, dy!, g),
    ...(bias ? [reduceSum(dy!, { axes: [0, 1, 2] })] : []),
  ])[0]!;
}

/** {@link ProductForm.scatter} with its gradient. */
export function scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor {
  const value = formFor(g).scatter(y, weight, g);
  return customVjp([value], [y, weight], (dx) => [correlate(dx!, weight, g), outer(dx!, y, g)])[0]!;
}

function outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor {
  const value = formFor(g).outer(x, y, g);
  return customVjp([value], [x, y], (dw) => [scatter(y, dw!, g), correlate(x, dw!, g)])[0]!;
}
