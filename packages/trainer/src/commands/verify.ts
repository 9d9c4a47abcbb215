/** `trainer verify`: whether a model folder is whole and right. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { GraphName } from "@onnx-diffusion/diffusion";
import { checkFile, readModelFolder } from "../artifacts.js";
import { createSession } from "../devices.js";
import { checkGraph } from "../verify/graphs.js";
import { checkKnownAnswer } from "../verify/known-answer.js";
import { checkProvenance, type Origin } from "../verify/provenance.js";
import { checkWeights } from "../verify/weights.js";

export interface VerifyOptions {
  readonly folder: string;
}

/** Checks, a line for each thing that holds. @returns the exit code. */
export async function verifyCommand({ folder }: VerifyOptions): Promise<number> {
  const model = readModelFolder(folder, "verify");
  const { manifest } = model;
  const origins: Origin[] = [];
  const print = (line: string): void => console.log(`ok  ${line}`);
  for (const name of Object.keys(manifest.graphs) as GraphName[]) {
    const graph = checkGraph(model, name);
    const { metadata, opset } = graph.model;
    origins.push({ path: graph.path, texts: new Map(Object.entries(metadata)) });
    print(
      `${manifest.graphs[name]!.file}: operator set ${opset}, ${graph.operators.length} operators, shapes fit`,
    );
    // an authored folder's weights are still to come
    if (name !== "inference_model" || manifest.training === undefined) continue;
    const files = checkWeights(folder, graph);
    for (const [file, { tensors, metadata: texts }] of files) {
      origins.push({ path: join(folder, file), texts });
      print(`${file}: ${tensors.size} tensors, each where the graph looks for it, all numbers finite`);
    }
  }
  checkProvenance(origins, manifest.training);
  for (const file of Object.keys(manifest.files)) checkFile(model, file);
  print(`${Object.keys(manifest.files).length} files have the digests of the manifest`);
  if (manifest.training !== undefined) {
    const threads = availableParallelism();
    const session = await createSession(model, "inference_model", "cpu", { threads });
    try {
      if (manifest.knownAnswer === undefined)
        print("ONNX Runtime loads it; the manifest has no known answer");
      else {
        const apart = await checkKnownAnswer(folder, manifest, session, manifest.knownAnswer);
        print(`the known answer, to ${apart.toExponential(1)}`);
      }
    } finally {
      await session.release();
    }
  }
  return 0;
}
