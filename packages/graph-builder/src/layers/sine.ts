import type { Initializer } from "@onnx-diffusion/diffusion";
import { mul, sin } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { featuresOf, linear } from "./linear.js";

/** What there is to choose about `sine`. */
export interface SineOptions {
  /** Number of output features. */
  readonly features: number;
  /** Whether `x` is the network's input and not the output of another sine layer: decides the initial weights. */
  readonly first: boolean;
  /** Default: 30. */
  readonly omega0?: number;
}

/**
 * sin(omega0 (W x + b)) over the last axis: [..., C] -> [..., features], a layer of a SIREN (Sitzmann et al. 2020,
 * section 3.2). Weights start uniform in +-1/C in the first layer and in +-sqrt(6/C)/omega0 in the others, which keeps
 * the distribution of activations from layer to layer. Parameters: `linear.weight` [features, C], `linear.bias`.
 * @throws GraphError where the last axis has no known size.
 */
export function sine(p: Params, x: Tensor, { features, first, omega0 = 30 }: SineOptions): Tensor {
  return p.scope(() => {
    const c = featuresOf(x, `sine "${p.path}"`);
    const bound = first ? 1 / c : Math.sqrt(6 / c) / omega0;
    const initializer: Initializer = { kind: "uniform", low: -bound, high: bound };
    return sin(mul(linear(p.at("linear"), x, { features, initializer }), omega0));
  });
}
