import type { Initializer } from "@onnx-diffusion/diffusion";
import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { add, gemm, matmul, transpose } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { kaimingUniform } from "./kaiming-uniform.js";

/** As of torch.nn.Linear. */
export interface LinearOptions {
  /** Number of output features. */
  readonly features: number;
  readonly bias?: boolean;
  /** Of the weight. Default: PyTorch's, uniform in +-1/sqrt(C), which the bias always has. */
  readonly initializer?: Initializer;
}

/** The size of the last axis. @throws GraphError where it is not known. */
export function featuresOf(x: Tensor, layer: string): number {
  const features = x.shape.at(-1);
  if (typeof features === "number") return features;
  throw new GraphError(
    `${layer}: the input is ${formatShape(x.shape)}, expected [..., C] with a known C; reshape() it`,
  );
}

/**
 * x W^T + b over the last axis: [..., C] -> [..., features], as torch.nn.LazyLinear: C is read from `x`.
 * Parameters: `weight` [features, C] and `bias` [features].
 * @throws GraphError where the last axis has no known size.
 */
export function linear(p: Params, x: Tensor, { features, bias = true, initializer }: LinearOptions): Tensor {
  return p.scope(() => {
    const c = featuresOf(x, `linear "${p.path}"`);
    const initial = kaimingUniform(c);
    const weight = p.parameter("weight", [features, c], initializer ?? initial);
    const b = bias ? p.parameter("bias", [features], initial) : undefined;
    return affine(x, weight, b);
  });
}

/** x W^T + b over the last axis of x. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  if (x.shape.length === 2) return gemm(x, weight, { transB: 1, ...(bias ? { c: bias } : {}) });
  const y = matmul(x, transpose(weight, [1, 0]));
  return bias ? add(y, bias) : y;
}
