/** How `inference_model` is asked, whatever it calls its arguments: what the command and the page feed it. */

import { toHalf } from "./half.js";
import type { ArgumentName, Dim, DType, Manifest, ValueSpec } from "./manifest.js";
import { forPrediction } from "./prediction.js";
import { type SamplerName, samplerNamed } from "./samplers/index.js";
import { scheduleOf } from "./schedule.js";
import type { SamplerOptions, SamplerRow } from "./table.js";

/** A value for the graph, in the parts that ONNX Runtime's tensors are made of. */
export interface NetworkInput {
  readonly dtype: DType;
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint16Array;
  readonly dims: readonly number[];
}

/** What the network is asked. */
export interface NetworkQuestion {
  /** x_t [N, C, H, W] */
  readonly x: Float32Array;
  /** 1..T, of all images. */
  readonly timestep: number;
  /** [N]; ignored by a model without classes. */
  readonly labels: ArrayLike<number>;
}

/** What the graph calls an argument. */
export const argumentName = ({ arguments: given }: Manifest, role: ArgumentName): string =>
  given?.names?.[role] ?? role;

/** The graph's input of that role; undefined where it takes none. @throws Error if there is no inference graph. */
export function inputOf(
  manifest: Manifest,
  role: "sample" | "timestep" | "class_labels",
): ValueSpec | undefined {
  const graph = manifest.graphs.inference_model;
  if (graph === undefined) throw new Error("the model has no inference_model");
  return graph.inputs.find(({ name }) => name === argumentName(manifest, role));
}

/** What the network is told at a timestep. */
export function timestepValue({ arguments: given }: Manifest, timestep: number): number {
  const { firstTimestep = 1, timestepScale = 1 } = given ?? {};
  return (timestep - 1 + firstTimestep) * timestepScale;
}

/** The graph's inputs by their names. */
export function networkInputs(
  manifest: Manifest,
  { x, timestep, labels }: NetworkQuestion,
): Record<string, NetworkInput> {
  const { channels, height, width } = manifest.image;
  const batch = x.length / (channels * height * width);
  const sample = { dtype: "float32", data: x, dims: [batch, channels, height, width] } as const;
  const time = inputOf(manifest, "timestep");
  const label = inputOf(manifest, "class_labels");
  const told = timestepValue(manifest, timestep);
  return {
    [argumentName(manifest, "sample")]: sample,
    ...(time && { [time.name]: filled(time, batch, () => told) }),
    ...(label && { [label.name]: filled(label, batch, (i) => labels[i] ?? 0) }),
  };
}

/** A value for each image, or one for all where the graph takes a scalar. */
function filled({ dtype, shape }: ValueSpec, batch: number, at: (i: number) => number): NetworkInput {
  const dims = shape.map((dim: Dim) => (typeof dim === "string" ? batch : dim));
  const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => at(i));
  return { dtype, dims, data: numbers(dtype, values) };
}

function numbers(dtype: DType, values: readonly number[]): NetworkInput["data"] {
  switch (dtype) {
    case "int64":
      return BigInt64Array.from(values, BigInt);
    case "float32":
      return Float32Array.from(values);
    case "float16":
      return Uint16Array.from(values, toHalf);
    default:
      return Int32Array.from(values);
  }
}

/** Which table is wanted, see {@link SamplerOptions}. */
export interface RowsRequest extends SamplerOptions {
  readonly sampler: SamplerName;
  readonly steps: number;
}

/** The table of a sampler for the model's schedule and for what its network predicts. */
export function samplerRows(manifest: Manifest, { sampler, steps, ...options }: RowsRequest): SamplerRow[] {
  const rows = samplerNamed(sampler)(scheduleOf(manifest.schedule), steps, options);
  return forPrediction(rows, manifest.prediction);
}

/** Images that go through the network together. */
export interface Batch {
  /** Number of the first image. */
  readonly first: number;
  /** How many images are asked for. */
  readonly count: number;
  /** How many the network is given: more than are asked for where it takes no fewer. */
  readonly size: number;
}

/** Splits images into batches of at most `largest`, or of the size that the graph is fixed to. */
export function batchesOf(manifest: Manifest, count: number, largest: number): Batch[] {
  const fixed = inputOf(manifest, "sample")?.shape[0];
  const size = typeof fixed === "number" ? fixed : Math.min(largest, count);
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const first = i * size;
    const asked = Math.min(size, count - first);
    return { first, count: asked, size: typeof fixed === "number" ? fixed : asked };
  });
}
