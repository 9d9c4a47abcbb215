export { type BatchNorm2dOptions, batchNorm2d } from "./batch-norm2d.js";
export { classPlanes, oneHot } from "./class-planes.js";
export { type Conv2dOptions, conv2d, convTranspose2d } from "./conv2d.js";
export { type LinearOptions, linear } from "./linear.js";
export { type SinusoidalEmbeddingOptions, sinusoidalEmbedding } from "./sinusoidal-embedding.js";
