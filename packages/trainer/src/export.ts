/** The export: a model folder that can be hosted as it is. */

import { join } from "node:path";
import {
  encodeStateDict,
  type FileDigest,
  type KnownAnswer,
  type Manifest,
  serializeManifest,
  type TrainingRecord,
} from "@onnx-diffusion/diffusion";
import { writeOnnx } from "@onnx-diffusion/graph-builder";
import { digestOfBytes, graphPath, type ModelFolder } from "./artifacts.js";
import { createSession } from "./devices.js";
import { makeFolder, writeFileAtomic } from "./files.js";
import { provenanceOf } from "./forms/provenance.js";
import { modelCard } from "./model-card.js";
import { readGraph } from "./read-graph.js";
import { exportedValues, type State } from "./state.js";
import { knownAnswerOf } from "./verify/known-answer.js";

/** The external data of the inference graph and a safetensors file in one. */
export const WEIGHTS = "weights.safetensors";

/**
 * Writes manifest.json, inference_model.onnx, weights.safetensors and README.md, each file whole or not at all, and
 * the manifest, which holds the digests of the others, last.
 *
 * @param artifacts the authored folder; its inference graph gets metadata that say what made it, and is copied else: the
 *   offsets of its external data are those of parameters and buffers in the manifest's order.
 * @param state of which parameters and buffers are exported, or their moving averages where the manifest has such.
 * @throws UserError naming the path and the cause.
 */
export async function exportModel(
  artifacts: ModelFolder,
  folder: string,
  state: State,
  training: TrainingRecord,
): Promise<void> {
  const inference = artifacts.manifest.graphs.inference_model!;
  const weights = encodeStateDict(exportedValues(artifacts.manifest, state), artifacts.manifest.state);
  const card = modelCard(artifacts.manifest, training);
  const graph = readGraph(graphPath(artifacts, "inference_model"));
  const metadata = { ...graph.metadata, ...provenanceOf(artifacts.manifest, training, "onnx") };
  const contents: [string, Uint8Array][] = [
    [inference.file, writeOnnx({ ...graph, metadata })],
    [WEIGHTS, weights],
    ["README.md", Buffer.from(card)],
  ];
  makeFolder(folder);
  const files: Record<string, FileDigest> = {};
  for (const [name, bytes] of contents) {
    writeFileAtomic(join(folder, name), bytes);
    files[name] = digestOfBytes(bytes);
  }
  const manifest: Manifest = {
    ...artifacts.manifest,
    graphs: { inference_model: inference },
    training,
    files,
  };
  const knownAnswer = await answerOf({ folder, manifest });
  // weights so large that the network overflows: the next loss says so, and ends the run
  const known = knownAnswer.values.every(Number.isFinite);
  const whole = known ? { ...manifest, knownAnswer } : manifest;
  writeFileAtomic(join(folder, "manifest.json"), serializeManifest(whole));
}

/** What the written files answer, on one thread, as training has the others. */
async function answerOf(model: ModelFolder): Promise<KnownAnswer> {
  const session = await createSession(model, "inference_model", "cpu", { threads: 1 });
  try {
    return await knownAnswerOf(model.manifest, session);
  } finally {
    await session.release();
  }
}
