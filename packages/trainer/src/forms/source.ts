/** Reads the trained model that forms are made from. */

import { join } from "node:path";
import { decodeStateDict, UserError } from "@onnx-diffusion/diffusion";
import type { Model } from "@onnx-diffusion/graph-builder";
import { checkFile, graphPath, readModelFolder } from "../artifacts.js";
import { WEIGHTS } from "../export.js";
import { readBytes } from "../files.js";
import { checkOpset, readGraph } from "../read-graph.js";
import { firstNotFinite } from "../state.js";
import type { FormSource, Sampling } from "./form.js";
import { halfName } from "./half.js";
import { provenanceOf } from "./provenance.js";

/** DDPM, as many steps as there are noise levels. */
const AS_TRAINED: Sampling = { sampler: "ddpm", steps: undefined, spacing: "trailing", noise: undefined };

/**
 * Reads an exported folder whose weights are in float32, or in float16 behind a Cast, which are widened: no number changes.
 *
 * @throws UserError for a folder that is not trained, of another form, damaged, or with a weight that is no number.
 */
export function readFormSource(
  folder: string,
  form: string,
  { sampling = AS_TRAINED, diet = false }: Partial<Pick<FormSource, "sampling" | "diet">> = {},
): FormSource {
  const files = readModelFolder(folder, "--model");
  const { manifest } = files;
  const { training } = manifest;
  if (!training) {
    throw new UserError(`--model ${folder}: it is not trained; give the model folder of a run`);
  }
  for (const file of Object.keys(manifest.files)) checkFile(files, file);
  const path = graphPath(files, "inference_model");
  const read = readGraph(path);
  checkOpset(path, read);
  const model = widened(read);
  const where = join(folder, WEIGHTS);
  const weights = decodeStateDict(readBytes(where), manifest.state, { where });
  const wrong = model.graph.initializers.find(
    ({ name, dtype, data }) =>
      !ArrayBuffer.isView(data) && !(weights.has(name) && dtype === "float32" && data.location === WEIGHTS),
  );
  if (wrong !== undefined || !model.graph.initializers.some(({ data }) => !ArrayBuffer.isView(data))) {
    const found =
      wrong === undefined ? "its weights are inside the graph" : `"${wrong.name}" is ${wrong.dtype}`;
    throw new UserError(
      `${path}: ${found}, expected float32 weights in ${WEIGHTS}; give the folder that training exported, such as runs/unet-cond/model`,
    );
  }
  const notFinite = firstNotFinite(weights);
  if (notFinite !== undefined) {
    throw new UserError(
      `${where}: "${notFinite}" holds values that are not finite numbers; export an earlier checkpoint`,
    );
  }
  // the weights are of the code that trained them
  const { git_revision } = model.metadata;
  const provenance = {
    ...provenanceOf(manifest, training, diet ? `${form}, diet` : form),
    ...(git_revision ? { git_revision } : {}),
  };
  return { manifest, model, weights, provenance, sampling, diet };
}

/** The graph of the form fp16-weights as that of float32 weights. */
function widened(model: Model): Model {
  const { graph } = model;
  const halves = new Set(
    graph.initializers.flatMap(({ name, dtype }) => (dtype === "float16" ? [name] : [])),
  );
  const casts = graph.nodes.filter(
    ({ opType, inputs, outputs }) =>
      opType === "Cast" && halves.has(inputs[0]!) && inputs[0] === halfName(outputs[0]!),
  );
  const names = new Map(casts.map(({ inputs, outputs }) => [inputs[0]!, outputs[0]!]));
  // only where nothing else takes the narrow weights
  const others = graph.nodes.filter((node) => !casts.includes(node));
  if (others.some(({ inputs }) => inputs.some((name) => names.has(name)))) return model;
  const initializers = graph.initializers.map((initializer) => {
    const name = names.get(initializer.name);
    return name === undefined ? initializer : { ...initializer, name, dtype: "float32" as const };
  });
  return { ...model, graph: { ...graph, nodes: others, initializers } };
}
