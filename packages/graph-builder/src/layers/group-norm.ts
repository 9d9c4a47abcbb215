import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { groupNormalization } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";

/** What there is to choose about `groupNorm`. */
export interface GroupNormOptions {
  /** Number of groups, which divides that of the channels. */
  readonly groups: number;
  /** Default: 1e-5. */
  readonly epsilon?: number;
  /** Whether there are parameters. Default: true. */
  readonly affine?: boolean;
}

/**
 * The channels of [N, C, ...] in groups, each group of each image by its own mean and variance, as torch.nn.GroupNorm:
 * C is read from `x`. Parameters: `weight` and `bias` [C].
 * @throws GraphError where C is not known or no multiple of the groups.
 */
export function groupNorm(
  p: Params,
  x: Tensor,
  { groups, epsilon = 1e-5, affine = true }: GroupNormOptions,
): Tensor {
  return p.scope(() => {
    const channels = x.shape[1];
    if (typeof channels !== "number" || !Number.isInteger(channels / groups) || groups < 1) {
      throw new GraphError(
        `groupNorm "${p.path}": the input is ${formatShape(x.shape)}, expected [N, C, ...] with C a multiple of the ${groups} groups`,
      );
    }
    const parameters = affine
      ? {
          weight: p.parameter("weight", [channels], { kind: "constant", value: 1 }),
          bias: p.parameter("bias", [channels], { kind: "constant", value: 0 }),
        }
      : {};
    return groupNormalization(x, { groups, epsilon, ...parameters });
  });
}
