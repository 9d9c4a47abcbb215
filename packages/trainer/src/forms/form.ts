/** A form of a trained model: which files it is made of. */

import type { Manifest, SamplerName, Spacing } from "@onnx-diffusion/diffusion";
import type { Model } from "@onnx-diffusion/graph-builder";

/** How the form `sampler` draws. */
export interface Sampling {
  readonly sampler: SamplerName;
  /** Undefined: the model's T. */
  readonly steps: number | undefined;
  readonly spacing: Spacing;
  /** Whether noise is drawn in the graph from a seed, or is an input. Undefined: a seed where each step takes noise. */
  readonly noise: "seed" | "input" | undefined;
}

/** The trained model that forms are made from. */
export interface FormSource {
  readonly manifest: Manifest;
  /** The inference graph; its weights are external data. */
  readonly model: Model;
  /** Parameters and buffers by name, in the manifest's order. */
  readonly weights: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** What made the file: goes into the metadata_props of every ONNX file. */
  readonly provenance: Readonly<Record<string, string>>;
  readonly sampling: Sampling;
  /** Whether the graph is written in the most portable operators. */
  readonly diet: boolean;
}

/** A file of a form. */
export interface FormFile {
  /** Its path in the folder, with "/". */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What it is: a line of the model card. */
  readonly what: string;
}

/** An entry of the table of forms. */
export interface Form {
  /** Whether the folder is a model folder, which gets a manifest and is run to learn its error. */
  readonly isModelFolder: boolean;
  /** Whether it has weights and no graph, and so nothing that guidance could be in. */
  readonly isWeightsAlone?: boolean;
  /** Whether it can be written in the most portable operators. */
  readonly hasDiet?: boolean;
  files(source: FormSource): FormFile[];
}
