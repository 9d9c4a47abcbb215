import { type Dim, formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { scalar, type Tensor } from "../tensor.js";
import { add, mul } from "./arithmetic.js";
import { lessOrEqual, where } from "./compare.js";
import { cumSum } from "./cumsum.js";
import { like } from "./elementwise.js";
import { expand } from "./expand.js";
import { matmul } from "./matmul.js";
import { reshape } from "./reshape.js";
import { softmax } from "./softmax.js";
import { transpose } from "./transpose.js";

/** Which keys a query sees, and how scores are scaled. */
export interface AttentionOptions {
  /** Broadcasts to [..., L, S]: bool, true where a query may look at a key; or float, added to the scores. */
  readonly mask?: Tensor;
  /** A query looks at keys up to its own position alone. */
  readonly causal?: boolean;
  /** Factor of the scores. Default: 1 / sqrt(E). */
  readonly scale?: number;
}

/**
 * softmax(scale q k^T + mask) v (Vaswani et al. 2017, equation 1), as torch's scaled_dot_product_attention. A query that
 * may look at no key has no defined result there and here.
 * @param q - [..., L, E]; `k` [..., S, E]; `v` [..., S, V].
 * @returns [..., L, V]
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, causal = false, scale }: AttentionOptions = {},
): Tensor {
  const width = q.shape.at(-1);
  if (q.shape.length < 2 || k.shape.length < 2 || (scale === undefined && typeof width !== "number")) {
    throw new GraphError(
      `scaledDotProductAttention: q is ${formatShape(q.shape)} and k ${formatShape(k.shape)}, expected [..., L, E] and [..., S, E] with a known E; reshape() them`,
    );
  }
  const rank = k.shape.length;
  const axes = k.shape.map((_, i) => i);
  const kT = transpose(k, [...axes.slice(0, -2), rank - 1, rank - 2]);
  let scores = mul(matmul(q, kT), scale ?? 1 / Math.sqrt(width as number));
  const never = like(scores, Number.NEGATIVE_INFINITY);
  if (causal) scores = where(lookBack(q, k), scores, never);
  if (mask) scores = mask.dtype === "bool" ? where(mask, scores, never) : add(scores, mask);
  return matmul(softmax(scores), v);
}

/** [L, S], true where the key's position is the query's or before. */
function lookBack(q: Tensor, k: Tensor): Tensor {
  const positions = (x: Tensor): Tensor => {
    const length: Dim = x.shape.at(-2)!;
    return cumSum(expand(scalar(1, "float32"), [length], [x]), 0);
  };
  return lessOrEqual(
    reshape(positions(k), [1, k.shape.at(-2)!]),
    reshape(positions(q), [q.shape.at(-2)!, 1]),
  );
}
