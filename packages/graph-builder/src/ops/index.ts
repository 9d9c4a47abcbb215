export * from "./activations.js";
export * from "./arithmetic.js";
export * from "./attention.js";
export * from "./cast.js";
export { clip } from "./clip.js";
export * from "./compare.js";
export * from "./concat.js";
export * from "./conv.js";
export * from "./cumsum.js";
export * from "./custom.js";
export * from "./embedding.js";
export * from "./expand.js";
export * from "./gather.js";
export * from "./gather-nd.js";
export * from "./loop.js";
export * from "./matmul.js";
export * from "./norm.js";
export {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  type NormalizeOptions,
} from "./normalization.js";

export { pad, padAll } from "./pad.js";
export * from "./reduce.js";
export * from "./reshape.js";
export * from "./scatter.js";
export { dimAsFloat, dimTensor, shapeOf, shapeTensor } from "./shape.js";
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
