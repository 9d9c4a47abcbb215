import { GraphError } from "../errors.js";
import { cast, concat, cos, mul, reshape, sin } from "../ops/index.js";
import { constant, type Tensor } from "../tensor.js";

/** Which frequencies, in which order. */
export interface SinusoidalEmbeddingOptions {
  /** Number of features; even. */
  readonly features: number;
  /** The longest wavelength is 2 pi times this. Default: 10000. */
  readonly maxPeriod?: number;
  /** Cosines before sines. Default: sines first. */
  readonly flipSinToCos?: boolean;
  /** Taken from the number of frequencies in their exponent, 1 in Ho et al.'s code, 0 in Vaswani et al.'s. Default: 1. */
  readonly downscaleFreqShift?: number;
  /** Factor on the angles. Default: 1. */
  readonly scale?: number;
}

/**
 * Sines and cosines of the timestep at geometrically spaced frequencies: [N] -> [N, features] (Vaswani et al. 2017,
 * section 3.5; Ho et al. 2020, appendix B). The options are those of diffusers' `Timesteps`. No parameters.
 * @throws GraphError for an odd number of features, or fewer than four.
 */
export function sinusoidalEmbedding(
  timestep: Tensor,
  {
    features,
    maxPeriod = 10_000,
    flipSinToCos = false,
    downscaleFreqShift = 1,
    scale = 1,
  }: SinusoidalEmbeddingOptions,
): Tensor {
  if (!Number.isInteger(features) || features < 4 || features % 2 !== 0) {
    throw new GraphError(
      `sinusoidalEmbedding: ${features} features, expected an even number from 4 up: half are sines, half cosines`,
    );
  }
  const half = features / 2;
  const exponent = Math.log(maxPeriod) / (half - downscaleFreqShift);
  const frequencies = Float32Array.from({ length: half }, (_, i) => scale * Math.exp(-exponent * i));
  const angles = mul(
    reshape(cast(timestep, "float32"), [timestep.shape[0]!, 1]),
    constant("float32", [1, half], frequencies),
  );
  return concat(flipSinToCos ? [cos(angles), sin(angles)] : [sin(angles), cos(angles)], 1);
}
