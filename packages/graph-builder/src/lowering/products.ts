/**
 * Convolution on [N,H,W,C], its adjoint, and the gradient of both by the weight: three products, each the gradient of the
 * two others. Weights are matrices [O, kh*kw*C]: a row holds a filter in the order of a patch (ky, kx, channel).
 */
import type { Dim } from "../dim.js";
import { customVjp, reduceSum } from "../ops/index.js";
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
}

/** A way to compute the three products, without their gradients. */
export interface ProductForm {
  /** Convolution: x [N,H,W,C], weight [O, kh*kw*C], bias [O] -> [N,h,w,O]. */
  correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor;
  /** Transposed convolution, its adjoint: y [N,h,w,O], weight [O, kh*kw*C] -> [N,H,W,C]. */
  scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor;
  /** The gradient of both by the weight: x [N,H,W,C], y [N,h,w,O] -> [O, kh*kw*C]. */
  outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor;
}

/** The form that is the fastest for these sizes. */
const formFor = (g: ImageGeometry, channels: Dim, filters: Dim): ProductForm =>
  hasWinograd(g, channels, filters) ? winograd : patches;

/** {@link ProductForm.correlate} with its gradient. */
export function correlate(x: Tensor, weight: Tensor, g: ImageGeometry, bias?: Tensor): Tensor {
  const value = formFor(g, x.shape[3]!, weight.shape[0]!).correlate(x, weight, g, bias);
  return customVjp([value], [x, weight, ...(bias ? [bias] : [])], (dy) => [
    scatter(dy!, weight, g),
    outer(x, dy!, g),
    ...(bias ? [reduceSum(dy!, { axes: [0, 1, 2] })] : []),
  ])[0]!;
}

/** {@link ProductForm.scatter} with its gradient. */
export function scatter(y: Tensor, weight: Tensor, g: ImageGeometry): Tensor {
  const [kh, kw] = g.kernel;
  const channels = (weight.shape[1] as number) / (kh * kw);
  const value = formFor(g, channels, y.shape[3]!).scatter(y, weight, g);
  return customVjp([value], [y, weight], (dx) => [correlate(dx!, weight, g), outer(dx!, y, g)])[0]!;
}

function outer(x: Tensor, y: Tensor, g: ImageGeometry): Tensor {
  const value = formFor(g, x.shape[3]!, y.shape[3]!).outer(x, y, g);
  return customVjp([value], [x, y], (dw) => [scatter(y, dw!, g), correlate(x, dw!, g)])[0]!;
}
