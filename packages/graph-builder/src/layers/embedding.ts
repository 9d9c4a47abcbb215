import { embed } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";

/** What there is to choose about `embedding`. */
export interface EmbeddingOptions {
  /** Number of rows: indices are 0..count-1. */
  readonly count: number;
  readonly features: number;
}

/**
 * A row of a table for each index: [...] int32 or int64 -> [..., features], as torch.nn.Embedding. Rows start standard
 * normal; the gradient of a row that is taken often is the sum. Parameter: `weight` [count, features].
 */
export function embedding(p: Params, indices: Tensor, { count, features }: EmbeddingOptions): Tensor {
  return p.scope(() => {
    const table = p.parameter("weight", [count, features], { kind: "normal", mean: 0, std: 1 });
    return embed(indices, table);
  });
}
