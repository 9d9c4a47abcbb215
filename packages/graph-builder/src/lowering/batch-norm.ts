/** Batch normalisation by the statistics of the batch (Ioffe & Szegedy 2015, algorithm 1) with its gradient. */
import { mulDims } from "../dim.js";
import type { Operand } from "../op.js";
import { add, customVjp, dimAsFloat, div, mul, neg, reciprocal, sqrt, sub } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import type { BatchNormStatistics } from "./lowering.js";

/** How a layout sums over everything but the channel, and spreads one value a channel. */
export interface ChannelLayout {
  /** [C] */
  sum(x: Tensor): Tensor;
  /** [C] -> a shape that broadcasts over x */
  spread(t: Tensor): Tensor;
  /** The axes of x that are summed over. */
  readonly axes: readonly number[];
}

/**
 * y = scale (x - mean) / sqrt(var + epsilon) + bias. The variance is that of centred values (two passes), as the
 * difference of means loses what PyTorch keeps. The gradient is one expression in dy and the centred x:
 * dx = A dy + B xc + D with one factor a channel each.
 */
export function normalizeBatch(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  epsilon: number,
  layout: ChannelLayout,
): BatchNormStatistics {
  const { sum, spread } = layout;
  const size = layout.axes.map((axis) => x.shape[axis]!).reduce(mulDims, 1);
  const count: Operand = typeof size === "number" ? size : dimAsFloat(size, x);
  const perElement = typeof count === "number" ? 1 / count : reciprocal(count);
  const negative = typeof perElement === "number" ? -perElement : neg(perElement);
  const mean = mul(sum(x), perElement);
  const centred = sub(x, spread(mean));
  const squares = sum(mul(centred, centred));
  const inv = reciprocal(sqrt(add(mul(squares, perElement), epsilon)));
  const slope = mul(scale, inv);
  const value = add(mul(centred, spread(slope)), spread(bias));
  const [y] = customVjp([value], [x, scale, bias], (dy) => {
    const dBias = sum(dy!);
    const dScale = mul(inv, sum(mul(dy!, centred)));
    const dCentred = mul(mul(mul(slope, inv), dScale), negative);
    const dMean = mul(mul(slope, dBias), negative);
    const dx = add(add(mul(dy!, spread(slope)), mul(centred, spread(dCentred))), spread(dMean));
    return [dx, dScale, dBias];
  });
  return {
    y: y!,
    mean,
    unbiasedVariance: div(squares, typeof count === "number" ? count - 1 : sub(count, 1)),
  };
}
