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
}

/**
 * x W^T + b over the last axis: [..., C] -> [..., features], as torch.nn.LazyLinear: C is read from `x`.
 * Parameters: `weight` [features, C] and `bias` [features].
 * @throws GraphError where the last axis has no known size.
 */
export function linear(p: Params, x: Tensor, { features, bias = true }: LinearOptions): Tensor {
  return p.scope(() => {
    const c = x.shape.at(-1);
    if (typeof c !== "number") {
      throw new GraphError(
        `linear "${p.path}": the input is ${formatShape(x.shape)}, expected [..., C] with a known C; reshape() it`,
      );
    }
    const initial = kaimingUniform(c);
    const weight = p.parameter("weight", [features, c], initial);
    const b = bias ? p.parameter("bias", [features], initial) : undefined;
    if (x.shape.length === 2) return gemm(x, weight, { transB: 1, ...(b ? { c: b } : {}) });
    const y = matmul(x, transpose(weight, [1, 0]));
    return b ? add(y, b) : y;
  });
}
