/** The files of a model folder (docs/model-folder.md). */
import {
  type FileDigest,
  type FormChoice,
  GRAPH_NAMES,
  type GraphName,
  type GraphSpec,
  MANIFEST_VERSION,
  type Manifest,
  PRACTICAL_SCHEDULE,
  type ScheduleSpec,
  scheduleOf,
  serializeManifest,
  shapeKey,
  type ValueSpec,
} from "@onnx-diffusion/diffusion";
import { convolutionsOf } from "./analysis/convolutions.js";
import { GraphError } from "./errors.js";
import type { ModelValue } from "./model.js";
import type { Network } from "./network.js";
import { writeOnnx } from "./onnx/write.js";
import { type EmitTarget, GRAPHS, loweringFor } from "./training/graphs.js";
import type { TrainingOptions } from "./training/plan.js";
import { describeTraining, type Training } from "./training/training.js";

/** What the files are made for. */
export interface ModelFilesOptions extends TrainingOptions {
  /** Default: the practical's. */
  readonly schedule?: ScheduleSpec;
  /** The device that all graphs are written for; by default each has the form of the device that usually runs it. */
  readonly target?: EmitTarget | undefined;
  /** How convolutions are written for CPUs, as `trainer tune` measured it. Default: by a fixed rule. */
  readonly forms?: readonly FormChoice[] | undefined;
}

/**
 * The files of a model folder: name -> contents, the manifest last. The same network and options give the same bytes.
 * @throws GraphError for an option out of its range, or a network that does not fit together.
 */
export async function modelFiles(
  network: Network,
  { schedule = PRACTICAL_SCHEDULE, target, forms, ...options }: ModelFilesOptions = {},
): Promise<Map<string, Uint8Array>> {
  const training = describeTraining(network, scheduleOf(schedule), options);
  const used = forms && usedForms(training, target, forms);
  const contents = new Map<string, Uint8Array>();
  const graphs: Partial<Record<GraphName, GraphSpec>> = {};
  for (const name of GRAPH_NAMES) {
    const lowering = loweringFor(name, target, used);
    const model = GRAPHS[name].build(training, lowering);
    const file = `${name}.onnx`;
    contents.set(file, writeOnnx(model));
    const { inputs, outputs } = model.graph;
    graphs[name] = {
      file,
      target: lowering.target,
      ...(used && lowering.target === "cpu" ? { forms: used } : {}),
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

/**
 * The rows of a table that say something of a network.
 * @throws GraphError where none does, or no graph is written for CPUs.
 */
function usedForms(training: Training, target: EmitTarget | undefined, forms: readonly FormChoice[]) {
  if (loweringFor("training_loop", target).target !== "cpu")
    throw new GraphError(
      `forms: they are for CPUs, but target ${target} has no graph for one; leave one out`,
    );
  const network = GRAPHS.inference_model.build(training, loweringFor("inference_model"));
  const shapes = convolutionsOf(network, []);
  const known = new Set(shapes.map(shapeKey));
  const used = forms.filter((row) => known.has(shapeKey(row)));
  if (used.length > 0) return used;
  throw new GraphError(
    `forms: none of the table's ${forms.length} shapes is one of the ${shapes.length} in ${training.network.name}; measure them with: trainer tune`,
  );
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
