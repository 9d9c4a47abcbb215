import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { layerNormalization } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";

/** What there is to choose about `layerNorm`. */
export interface LayerNormOptions {
  /** How many axes, counted from the last, are normalised together. Default: 1. */
  readonly axes?: number;
  /** Default: 1e-5. */
  readonly epsilon?: number;
  /** Whether there are parameters. Default: true. */
  readonly affine?: boolean;
  /** Whether there is a bias beside the weight. Default: true. */
  readonly bias?: boolean;
}

/**
 * Each row by its own mean and variance, over the last axes, as torch.nn.LayerNorm of the sizes that `x` has there.
 * Parameters: `weight` and `bias` of those sizes.
 * @throws GraphError where a size that is normalised over is not known.
 */
export function layerNorm(
  p: Params,
  x: Tensor,
  { axes = 1, epsilon = 1e-5, affine = true, bias = true }: LayerNormOptions = {},
): Tensor {
  return p.scope(() => {
    const shape = x.shape.slice(x.shape.length - axes);
    if (axes < 1 || shape.length !== axes || shape.some((dim) => typeof dim !== "number")) {
      throw new GraphError(
        `layerNorm "${p.path}": the input is ${formatShape(x.shape)}, expected a known size of the last ${axes} axes; reshape() it`,
      );
    }
    return layerNormalization(x, {
      axis: -axes,
      epsilon,
      ...(affine ? { weight: p.parameter("weight", shape, { kind: "constant", value: 1 }) } : {}),
      ...(affine && bias ? { bias: p.parameter("bias", shape, { kind: "constant", value: 0 }) } : {}),
    });
  });
}
