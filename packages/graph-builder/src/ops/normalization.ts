/** Normalisations by the statistics of the values themselves, from elementary operators. */
import { formatShape, mulDims } from "../dim.js";
import { GraphError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { add, div, mul, sub } from "./arithmetic.js";
import { normalizeAxes, normalizeAxis } from "./axes.js";
import { reduceMean } from "./reduce.js";
import { reshape } from "./reshape.js";
import { sqrt } from "./unary.js";

/** What normalised values are scaled and shifted by, and what keeps the variance from 0. */
export interface NormalizeOptions {
  /** Multiplied with the normalised values, broadcast. */
  readonly weight?: Tensor;
  /** Added at the end, broadcast. */
  readonly bias?: Tensor;
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

/** (x - mean) / sqrt(var + epsilon) over the axes, the variance divided by the count. */
export function standardize(x: Tensor, axes: readonly number[], epsilon = 1e-5): Tensor {
  const over = { axes: normalizeAxes(axes, x.shape), keepdims: true };
  const centred = sub(x, reduceMean(x, over));
  return div(centred, sqrt(add(reduceMean(mul(centred, centred), over), epsilon)));
}

const affine = (y: Tensor, weight?: Tensor, bias?: Tensor): Tensor => {
  const scaled = weight ? mul(y, weight) : y;
  return bias ? add(scaled, bias) : scaled;
};

/**
 * Each row by its own mean and variance (Ba et al. 2016, "Layer normalization"), over the last axes from `axis` on.
 * `weight` and `bias` have the shape of those axes. As torch.nn.functional.layer_norm.
 */
export function layerNormalization(
  x: Tensor,
  { axis = -1, weight, bias, epsilon }: NormalizeOptions & { readonly axis?: number } = {},
): Tensor {
  const first = axis < 0 ? axis + x.shape.length : axis;
  const axes = x.shape.flatMap((_, i) => (i >= first ? [i] : []));
  return affine(standardize(x, axes, epsilon), weight, bias);
}

/**
 * Each row by its root mean square alone (Zhang & Sennrich 2019, "Root mean square layer normalization"), over the last
 * axes from `axis` on. As torch.nn.functional.rms_norm.
 */
export function rmsNormalization(
  x: Tensor,
  { axis = -1, weight, epsilon = 1e-5 }: Omit<NormalizeOptions, "bias"> & { readonly axis?: number } = {},
): Tensor {
  const first = normalizeAxis(axis, x.shape.length);
  const axes = x.shape.flatMap((_, i) => (i >= first ? [i] : []));
  const square = reduceMean(mul(x, x), { axes, keepdims: true });
  return affine(div(x, sqrt(add(square, epsilon))), weight);
}

/** One value a channel, shaped to broadcast over [N, C, ...]. */
const perChannel = (t: Tensor | undefined, x: Tensor): Tensor | undefined =>
  t && reshape(t, [x.shape[1]!, ...x.shape.slice(2).map(() => 1)]);

/**
 * The channels of [N, C, ...] in groups, each group of each image by its own mean and variance (Wu & He 2018, "Group
 * normalization"). `weight` and `bias` are [C]. As torch.nn.functional.group_norm.
 * @throws GraphError where the channels do not divide into the groups.
 */
export function groupNormalization(
  x: Tensor,
  { groups, weight, bias, epsilon }: NormalizeOptions & { readonly groups: number },
): Tensor {
  const [n, c, ...pixels] = x.shape;
  if (n === undefined || typeof c !== "number" || !Number.isInteger(c / groups) || groups < 1) {
    throw new GraphError(
      `groupNormalization: the input is ${formatShape(x.shape)}, expected [N, C, ...] with C a multiple of the ${groups} groups`,
    );
  }
  const grouped = reshape(x, [n, groups, mulDims(c / groups, pixels.reduce(mulDims, 1))]);
  const y = reshape(standardize(grouped, [2], epsilon), x.shape);
  return affine(y, perChannel(weight, x), perChannel(bias, x));
}

/**
 * Each channel of each image of [N, C, ...] by its own mean and variance (Ulyanov et al. 2016, "Instance
 * normalization"). `weight` and `bias` are [C]. As torch.nn.functional.instance_norm.
 */
export function instanceNormalization(x: Tensor, { weight, bias, epsilon }: NormalizeOptions = {}): Tensor {
  const axes = x.shape.flatMap((_, i) => (i >= 2 ? [i] : []));
  return affine(standardize(x, axes, epsilon), perChannel(weight, x), perChannel(bias, x));
}
