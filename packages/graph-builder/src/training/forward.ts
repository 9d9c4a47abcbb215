/** A batch as graph inputs, and the loss of it. */
import type { Schedule } from "@onnx-diffusion/diffusion";
import type { Shape } from "../dim.js";
import type { Lowering } from "../lowering/lowering.js";
import type { Network } from "../network.js";
import { asInput, Collector } from "../params.js";
import { input, type Tensor } from "../tensor.js";
import { type Batch, ddpmLoss } from "./ddpm.js";

/** The inputs of a batch; with `lead`, of as many batches stacked. */
export function batchInputs(network: Network, lead: Shape = []): Batch {
  const { channels, height, width } = network.image;
  const images = [...lead, "batch", channels, height, width];
  return {
    images: input("images", "uint8", images),
    timestep: input("timestep", "int32", [...lead, "batch"]),
    noise: input("noise", "float32", images),
    ...(network.classes > 0 ? { classLabels: input("class_labels", "int32", [...lead, "batch"]) } : {}),
  };
}

export const tensorsOf = (batch: Batch): Tensor[] => Object.values(batch);

/** The loss of one batch, and the collector with the parameters it used and the running statistics it leaves. */
export function forwardOf(
  network: Network,
  schedule: Schedule,
  lowering: Lowering,
  batch: Batch,
  provide = asInput,
) {
  const collector = new Collector({ training: true, lowering, provide });
  const loss = ddpmLoss(network, collector, batch, schedule);
  return { collector, loss };
}
