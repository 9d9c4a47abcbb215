import { add, div, min, mul, reduceSum, sqrt } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

/**
 * Gradients scaled down together so that their common Euclidean norm is at most `maxNorm`, as
 * torch.nn.utils.clip_grad_norm_ (Pascanu et al. 2013): times min(1, maxNorm / (norm + 1e-6)).
 * @param gradients - at least one tensor.
 * @param maxNorm - above 0.
 * @returns the gradients in their order, and their norm before, a scalar.
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
): { gradients: Tensor[]; norm: Tensor } {
  const squares = gradients.map((g) => reduceSum(mul(g, g)));
  const norm = sqrt(squares.reduce((sum, square) => add(sum, square)));
  const factor = min(div(maxNorm, add(norm, 1e-6)), 1);
  return { gradients: gradients.map((g) => mul(g, factor)), norm };
}
