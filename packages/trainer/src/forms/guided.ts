/** A trained model that leans towards the class that it is asked for. */

import { type Manifest, UserError } from "@onnx-diffusion/diffusion";
import { guidedModel } from "@onnx-diffusion/graph-builder";
import { explained } from "../read-graph.js";
import type { FormSource } from "./form.js";

/**
 * The model with guidance inside its graph; the weights stay what they are.
 *
 * @param guidance the weight w, above 0.
 * @throws UserError (usage) for a model without classes, or one that has guidance inside already.
 */
export function guided(source: FormSource, guidance: number): FormSource {
  const { manifest, model, provenance } = source;
  const { classes } = manifest;
  if (classes < 2) {
    throw new UserError("--guidance: the model is not told a class; leave it out", { usage: true });
  }
  if (manifest.guidance !== undefined) {
    throw new UserError(
      `--guidance: the model has guidance ${manifest.guidance} inside already; give the one that it was exported from, or leave it out`,
      { usage: true },
    );
  }
  const network = explained("--guidance", () => guidedModel(model, { classes, guidance }));
  const graph = manifest.graphs.inference_model!;
  const inputs = network.graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return {
    ...source,
    model: network,
    manifest: {
      ...manifest,
      timestep: true,
      graphs: { inference_model: { ...graph, inputs: inputs as (typeof graph)["inputs"] } },
      guidance,
    } satisfies Manifest,
    provenance: { ...provenance, guidance: `${guidance}` },
  };
}

/** Of a model that has guidance inside, what its weights are without the graph. */
export function withoutGuidance(source: FormSource): FormSource {
  const { guidance: _, ...manifest } = source.manifest;
  const { guidance: __, ...provenance } = source.provenance;
  return { ...source, manifest, provenance };
}
