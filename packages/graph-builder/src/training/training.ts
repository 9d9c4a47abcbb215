import type { Schedule } from "@onnx-diffusion/diffusion";
import { cpu } from "../lowering/cpu.js";
import type { Network } from "../network.js";
import { batchInputs, forwardOf } from "./forward.js";
import { planUpdates, type TrainingOptions, type UpdatePlan } from "./plan.js";

/** A network, what it is trained against, and how its parameters are updated. */
export interface Training extends UpdatePlan {
  readonly network: Network;
  readonly schedule: Schedule;
}

/**
 * Finds out what a network's training carries, by one pass through it.
 * @throws GraphError for an option out of its range or a group that fits no parameter.
 */
export function describeTraining(network: Network, schedule: Schedule, options?: TrainingOptions): Training {
  const { collector } = forwardOf(network, schedule, cpu, batchInputs(network));
  return { network, schedule, ...planUpdates(collector.ordered(), options) };
}
