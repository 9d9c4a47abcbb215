import type { Initializer } from "@onnx-diffusion/diffusion";
import { type Dim, formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { reshape, scaledDotProductAttention, split, transpose } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { kaimingUniform } from "./kaiming-uniform.js";
import { affine } from "./linear.js";

/** What there is to choose about `multiHeadAttention`. */
export interface MultiHeadAttentionOptions {
  /** Number of heads, which divides the features of the query. */
  readonly heads: number;
  /** What is attended to, [N, S, K]. Default: the query itself (self-attention). */
  readonly key?: Tensor;
  /** What is summed up, [N, S, V]. Default: the key. */
  readonly value?: Tensor;
  /**
   * [L, S], or what broadcasts with [N, heads, L, S]: bool, true where a query may look at a key (PyTorch's boolean mask
   * of nn.MultiheadAttention says the opposite), or float, added to the scores.
   */
  readonly mask?: Tensor;
  /** A query looks at keys up to its own position alone. Default: false. */
  readonly causal?: boolean;
  /** Default: true. */
  readonly bias?: boolean;
}

/**
 * Multi-head attention (Vaswani et al. 2017, section 3.2.2): query [N, L, E] -> [N, L, E], as torch.nn.MultiheadAttention
 * with batch_first, whose embed_dim E, kdim and vdim are read from the tensors.
 * Parameters: `in_proj_weight` [3E, E] where key and value have E features too, else `q_proj_weight` [E, E],
 * `k_proj_weight` [E, K], `v_proj_weight` [E, V]; `in_proj_bias` [3E], `out_proj.weight` [E, E], `out_proj.bias` [E].
 * @throws GraphError where a tensor is not [N, length, features] with known features, or the heads do not divide E.
 */
export function multiHeadAttention(
  p: Params,
  query: Tensor,
  { heads, key = query, value = key, mask, causal = false, bias = true }: MultiHeadAttentionOptions,
): Tensor {
  return p.scope(() => {
    const sources = { q: query, k: key, v: value };
    const widths = Object.entries(sources).map(([name, x]) => featuresOfSequence(p, name, x));
    const features = widths[0]!;
    if (heads < 1 || !Number.isInteger(features / heads)) {
      throw new GraphError(
        `multiHeadAttention "${p.path}": the query has ${features} features, expected a multiple of the ${heads} heads`,
      );
    }
    const weights = projections(p, widths);
    const three = [features, features, features];
    const biases = bias ? split(p.parameter("in_proj_bias", [3 * features], ZERO), three, 0) : [];
    const [q, k, v] = Object.values(sources).map((x, i) =>
      splitHeads(affine(x, weights[i]!, biases[i]), heads, features),
    ) as [Tensor, Tensor, Tensor];
    const attended = scaledDotProductAttention(q, k, v, { causal, ...(mask ? { mask } : {}) });
    const joined = reshape(transpose(attended, [0, 2, 1, 3]), query.shape);
    const out = p.at("out_proj");
    const weight = out.parameter("weight", [features, features], kaimingUniform(features));
    return affine(joined, weight, bias ? out.parameter("bias", [features], ZERO) : undefined);
  });
}

const ZERO: Initializer = { kind: "constant", value: 0 };

/** U(-b, b), b = sqrt(6 / (fan in + fan out)) (Glorot & Bengio 2010). */
function xavierUniform(rows: number, columns: number): Initializer {
  const bound = Math.sqrt(6 / (rows + columns));
  return { kind: "uniform", low: -bound, high: bound };
}

/** The weights of query, key and value: slices of one matrix where all have E features, as PyTorch keeps them. */
function projections(p: Params, widths: readonly number[]): readonly Tensor[] {
  const features = widths[0]!;
  const parameter = (name: string, rows: number, columns: number) =>
    p.parameter(name, [rows, columns], xavierUniform(rows, columns));
  return widths.every((width) => width === features)
    ? split(parameter("in_proj_weight", 3 * features, features), [features, features, features], 0)
    : widths.map((width, i) => parameter(`${"qkv"[i]}_proj_weight`, features, width));
}

/** [N, L, E] -> [N, heads, L, E / heads] */
function splitHeads(x: Tensor, heads: number, features: number): Tensor {
  const [n, length] = x.shape as [Dim, Dim];
  return transpose(reshape(x, [n, length, heads, features / heads]), [0, 2, 1, 3]);
}

function featuresOfSequence(p: Params, name: string, x: Tensor): number {
  const features = x.shape[2];
  if (x.shape.length === 3 && typeof features === "number") return features;
  throw new GraphError(
    `multiHeadAttention "${p.path}": ${name} is ${formatShape(x.shape)}, expected [N, length, features] with known features; reshape() it`,
  );
}
