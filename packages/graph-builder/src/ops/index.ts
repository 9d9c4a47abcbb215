export * from "./activations.js";
export * from "./arithmetic.js";
export * from "./attention.js";
export * from "./bits.js";
export * from "./branch.js";
export * from "./cast.js";
export * from "./choose.js";
export { clip } from "./clip.js";
export * from "./compare.js";
export * from "./concat.js";
export * from "./conv.js";
export * from "./cumsum.js";
export * from "./custom.js";
export { dimAsFloat } from "./dim-as-float.js";
export { einsum } from "./einsum.js";
export * from "./embedding.js";
export * from "./expand.js";
export * from "./gather.js";
export * from "./gather-elements.js";
export * from "./gather-nd.js";
export * from "./loop.js";
export { crossEntropy, type LossOptions, nllLoss } from "./losses.js";
export * from "./matmul.js";
export * from "./norm.js";
export {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  type NormalizeOptions,
  rmsNormalization,
} from "./normalization.js";

export { pad, padAll } from "./pad.js";
export { averagePool, globalAveragePool, globalMaxPool, maxPool, type PoolOptions } from "./pool.js";
export { range } from "./range.js";
export { depthToSpace, spaceToDepth, tile, trilu } from "./rearrange.js";
export * from "./reduce.js";
export * from "./reshape.js";
export { type ResizeOptions, resize } from "./resize.js";
export * from "./scatter.js";
export { dimTensor, shapeOf, shapeTensor } from "./shape.js";
export { type SliceOptions, slice, sliceAxis } from "./slice.js";
export { logSoftmax, softmax } from "./softmax.js";
export * from "./split.js";
export * from "./squeeze.js";
export { transpose } from "./transpose.js";
export * from "./trigonometry.js";
export {
  abs,
  ceil,
  cos,
  erf,
  exp,
  floor,
  gelu,
  log,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  tanh,
} from "./unary.js";
