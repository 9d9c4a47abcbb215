/** The files of a model folder (docs/model-folder.md). */
import {
  type FileDigest,
  GRAPH_NAMES,
  type GraphName,
  type GraphSpec,
  MANIFEST_VERSION,
  type Manifest,
  PRACTICAL_SCHEDULE,
  type ScheduleSpec,
  scheduleOf,
  serializeManifest,
  type ValueSpec,
} from "@onnx-diffusion/diffusion";
import type { ModelValue } from "./model.js";
import type { Network } from "./network.js";
import { writeOnnx } from "./onnx/write.js";
import { type EmitTarget, GRAPHS, loweringFor } from "./training/graphs.js";
import type { TrainingOptions } from "./training/plan.js";
import { describeTraining } from "./training/training.js";

/** What the files are made for. */
export interface ModelFilesOptions extends TrainingOptions {
  /** Default: the practical's. */
  readonly schedule?: ScheduleSpec;
  /** The device that all graphs are written for; by default each has the form of the device that usually runs it. */
  readonly target?: EmitTarget | undefined;
}

/**
 * The files of a model folder: name -> contents, the manifest last. The same network and options give the same bytes.
 * @throws GraphError for an option out of its range, or a network that does not fit together.
 */
export async function modelFiles(
  network: Network,
  { schedule = PRACTICAL_SCHEDULE, target, ...options }: ModelFilesOptions = {},
): Promise<Map<string, Uint8Array>> {
  const training = describeTraining(network, scheduleOf(schedule), options);
  const contents = new Map<string, Uint8Array>();
  const graphs: Partial<Record<GraphName, GraphSpec>> = {};
  for (const name of GRAPH_NAMES) {
    const lowering = loweringFor(name, target);
    const model = GRAPHS[name].build(training, lowering);
    const file = `${name}.onnx`;
    contents.set(file, writeOnnx(model));
    const { inputs, outputs } = model.graph;
    graphs[name] = {
      file,
      target: lowering.target,
      inputs: inputs.map(valueSpec),
      outputs: outputs.map(valueSpec),
    };
  }
  const files: Record<string, FileDigest> = {};
  for (const [file, bytes] of contents) files[file] = await digest(bytes);
  const manifest: Manifest = {
    format: "onnx-diffusion",
    version: MANIFEST_VERSION,
    network: { name: network.name, options: network.options },
    image: { ...network.image, range: [-1, 1] },
    classes: network.classes,
    timestep: network.timestep,
    prediction: "eps",
    schedule,
    optimizer: training.optimizer,
    state: training.state,
    graphs,
    files,
  };
  return contents.set("manifest.json", new TextEncoder().encode(serializeManifest(manifest)));
}

const valueSpec = ({ name, dtype, shape }: ModelValue): ValueSpec => ({
  name,
  dtype: dtype as ValueSpec["dtype"],
  shape,
});

async function digest(bytes: Uint8Array): Promise<FileDigest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return {
    sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    bytes: bytes.length,
  };
}
