/**
 * How the layers' heavy operations are written. Networks are written once; the lowering is chosen when a graph is
 * emitted, and all lowerings agree to rounding.
 */
import type { Target } from "@onnx-diffusion/diffusion";
import type { Shape } from "../dim.js";
import type { Model } from "../model.js";
import type { WeightLayout } from "../params.js";
import type { Tensor } from "../tensor.js";

/** A two-dimensional convolution with equal strides and pads on both axes. */
export interface ConvGeometry {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly pad: number;
}

/** Normalised values and the statistics of the batch that they were normalised by. */
export interface BatchNormStatistics {
  readonly y: Tensor;
  /** Of the batch, for each channel; no gradient passes them. */
  readonly mean: Tensor;
  /** Divided by the count less one, as the running variance wants it. */
  readonly unbiasedVariance: Tensor;
}

/** How the layers' heavy operations become operators: `native` or `cpu`. */
export interface Lowering {
  readonly target: Target;
  /**
   * The layout in which a layer of x [N,C,H,W] uses a weight of PyTorch's shape; undefined where that is PyTorch's.
   *
   * @param side where x is: on the large side of a convolution, on the small of a transposed one.
   */
  weightLayout?(
    side: "large" | "small",
    x: Shape,
    weight: readonly number[],
    geometry: ConvGeometry,
  ): WeightLayout | undefined;
  /** x [N,C,H,W], weight [O,C,kh,kw] -> [N,O,h,w] */
  conv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, geometry: ConvGeometry): Tensor;
  /** x [N,C,h,w], weight [C,O,kh,kw] -> [N,O,H,W] */
  convTranspose2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, geometry: ConvGeometry): Tensor;
  /** Normalises each channel of x [N,C,H,W] by the statistics of the batch. */
  batchNorm2d(x: Tensor, scale: Tensor, bias: Tensor, epsilon: number): BatchNormStatistics;
  /** What is written another way once the whole graph is there. */
  finish?(model: Model): Model;
}
