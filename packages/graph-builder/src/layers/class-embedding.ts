import { matmul } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { oneHot } from "./class-planes.js";

/** What there is to choose about `classEmbedding`. */
export interface ClassEmbeddingOptions {
  /** Number of rows: labels are 0..classes-1. */
  readonly classes: number;
  readonly features: number;
}

/**
 * A vector for each label: [N] int32 -> [N, features], the numbers of `embedding` as a product with one-hot rows, which
 * runs wherever class planes do. A label outside 0..classes-1 gives zeros. Parameter: `weight` [classes, features].
 */
export function classEmbedding(
  p: Params,
  labels: Tensor,
  { classes, features }: ClassEmbeddingOptions,
): Tensor {
  return p.scope(() => {
    const table = p.parameter("weight", [classes, features], { kind: "normal", mean: 0, std: 1 });
    return matmul(oneHot(labels, classes), table);
  });
}
