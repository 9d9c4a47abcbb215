/** The DDPM loss (Ho et al. 2020, equation 14) as a graph. */
import type { Schedule } from "@onnx-diffusion/diffusion";
import type { Network } from "../network.js";
import { add, cast, gather, mul, reduceMean, reshape, sub } from "../ops/index.js";
import type { Collector } from "../params.js";
import { constant, type Tensor } from "../tensor.js";

/** A training batch as the graphs take it. */
export interface Batch {
  /** [N,C,H,W] uint8 */
  readonly images: Tensor;
  /** [N] int32 in 1..T */
  readonly timestep: Tensor;
  /** [N,C,H,W] float32, standard normal */
  readonly noise: Tensor;
  /** [N] int32 */
  readonly classLabels?: Tensor;
}

/** Squared error of the predicted noise for each element: (eps - net(sqrt(alphaBar) x0 + sqrt(1-alphaBar) eps))^2 */
export function ddpmErrors(
  network: Network,
  collector: Collector,
  { images, timestep, noise, classLabels }: Batch,
  schedule: Schedule,
): Tensor {
  // Pixels 0..255 to the network's range -1..1.
  const x0 = sub(mul(cast(images, "float32"), 2 / 255), 1);
  const at = (table: Float32Array) => {
    const factor = gather(constant("float32", [table.length], table), timestep);
    return reshape(factor, [timestep.shape[0]!, 1, 1, 1]);
  };
  const xt = add(mul(at(schedule.sqrtAlphaBar), x0), mul(at(schedule.sqrtOneMinusAlphaBar), noise));
  const prediction = network.forward(collector.root, {
    sample: xt,
    ...(network.timestep ? { timestep } : {}),
    ...(classLabels ? { classLabels } : {}),
  });
  const error = sub(noise, prediction);
  return mul(error, error);
}

/** The mean over all elements: the training loss. */
export const ddpmLoss = (...args: Parameters<typeof ddpmErrors>): Tensor => reduceMean(ddpmErrors(...args));
