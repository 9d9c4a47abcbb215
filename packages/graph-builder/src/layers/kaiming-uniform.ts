import type { Initializer } from "@onnx-diffusion/diffusion";

/**
 * U(-1/sqrt(fanIn), 1/sqrt(fanIn)): what PyTorch's layers draw their weights and biases from (He et al. 2015 with
 * a = sqrt(5)).
 */
export function kaimingUniform(fanIn: number): Initializer {
  const bound = 1 / Math.sqrt(fanIn);
  return { kind: "uniform", low: -bound, high: bound };
}
