/** Reads the trained model that forms are made from. */

import { join } from "node:path";
import { decodeStateDict, UserError } from "@onnx-diffusion/diffusion";
import { checkFile, graphPath, readModelFolder } from "../artifacts.js";
import { WEIGHTS } from "../export.js";
import { readBytes } from "../files.js";
import { readGraph } from "../read-graph.js";
import { firstNotFinite } from "../state.js";
import type { FormSource, Sampling } from "./form.js";
import { provenanceOf } from "./provenance.js";

/**
 * Reads an exported folder whose weights are in float32.
 *
 * @throws UserError for a folder that is not trained, of another form, damaged, or with a weight that is no number.
 */
export function readFormSource(folder: string, form: string, sampling: Sampling): FormSource {
  const files = readModelFolder(folder, "--model");
  const { manifest } = files;
  const { training } = manifest;
  if (!training) {
    throw new UserError(`--model ${folder}: it is not trained; give the model folder of a run`);
  }
  for (const file of Object.keys(manifest.files)) checkFile(files, file);
  const path = graphPath(files, "inference_model");
  const model = readGraph(path);
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
  return { manifest, model, weights, provenance: provenanceOf(manifest, training, form), sampling };
}
