import { cast, mul, reshape, sub } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { sine } from "./sine.js";

/** What there is to choose about `sirenEmbedding`. */
export interface SirenEmbeddingOptions {
  /** Number of features of every layer. */
  readonly features: number;
  /** The largest timestep, T. */
  readonly steps: number;
  /** Number of sine layers. Default: 2. */
  readonly layers?: number;
  /** Default: 30. */
  readonly omega0?: number;
}

/**
 * A SIREN of the timestep (Sitzmann et al. 2020): 0..T is spread over -1..1 and passes sine layers, [N] -> [N,
 * features]. Unlike the sines of `sinusoidalEmbedding` these learn their frequencies. Parameters: those of `net.0`,
 * `net.1`, ..., as in the paper's code.
 */
export function sirenEmbedding(
  p: Params,
  timestep: Tensor,
  { features, steps, layers = 2, omega0 = 30 }: SirenEmbeddingOptions,
): Tensor {
  const time = reshape(cast(timestep, "float32"), [timestep.shape[0]!, 1]);
  let x = sub(mul(time, 2 / steps), 1);
  for (let i = 0; i < layers; i++) x = sine(p.at(`net.${i}`), x, { features, first: i === 0, omega0 });
  return x;
}
