/** A model that has been loaded: what its manifest says, and its files. */
import { MANIFEST_VERSION, type Manifest, parseManifest, UserError } from "@onnx-diffusion/diffusion";
import { download, downloadManifest } from "./download.js";
import { SamplerError } from "./errors.js";
import { fileLabel, type ModelSource } from "./model-source.js";

/** A model and the bytes that ONNX Runtime takes. */
export interface LoadedModel {
  readonly manifest: Manifest;
  readonly graph: Uint8Array<ArrayBuffer>;
  /** External data by the names that the graph has for them. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[];
}

/** How far loading has come. */
export interface LoadProgress {
  /** Bytes that have come, from the network or the cache, as they are when unpacked. */
  readonly loaded: number;
  /**
   * Bytes of the model's graph and weights and, but for `worker: false`, of ONNX Runtime's own file, by far the largest of
   * its own; of one from a `runtimeUrl` that is another's, an estimate until it has come.
   */
  readonly total: number;
}

/** What loading tells and listens to. */
export interface LoadModelOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: LoadProgress) => void;
}

/**
 * Loads a model's manifest, inference graph and weights.
 *
 * @throws SamplerError saying which file is not as it should be, and how.
 */
export async function loadModel(
  source: ModelSource,
  { signal, onProgress }: LoadModelOptions,
): Promise<LoadedModel> {
  const manifest = readManifest(await downloadManifest(source, signal), fileLabel(source, "manifest.json"));
  const [graphFile, ...dataFiles] = inferenceFiles(manifest, fileLabel(source, "manifest.json"));
  const total = [graphFile!, ...dataFiles].reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  onProgress({ loaded, total });
  const onBytes = (bytes: number): void => {
    loaded += bytes;
    onProgress({ loaded, total });
  };
  const get = (file: (typeof dataFiles)[number]) => download(source, file, { signal, onBytes });
  const [graph, ...data] = await Promise.all([get(graphFile!), ...dataFiles.map(get)]);
  return {
    manifest,
    graph: graph!,
    externalData: dataFiles.map(({ name }, i) => ({ path: name, data: data[i]! })),
  };
}

function readManifest(text: string, label: string): Manifest {
  try {
    return parseManifest(text, label);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (versionOf(text) > MANIFEST_VERSION) {
      throw new SamplerError(
        {
          code: "manifest-version",
          problem: `${label}: found version ${versionOf(text)}, this library reads ${MANIFEST_VERSION} and earlier`,
          remedy: "update @onnx-diffusion/sampler-web",
        },
        error,
      );
    }
    throw new SamplerError(
      {
        code: "manifest",
        problem: error.message,
        remedy: "export the model again, or mend its manifest.json",
      },
      error,
    );
  }
}

/** The version that a manifest claims; 0 where it claims none. */
function versionOf(text: string): number {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === "number" ? version : 0;
  } catch {
    return 0;
  }
}

/** The graph's file, then those of its weights. */
function inferenceFiles(manifest: Manifest, label: string) {
  const graph = manifest.graphs.inference_model?.file;
  if (graph === undefined) {
    throw new SamplerError({
      code: "manifest",
      problem: `${label}: the model has no inference_model`,
      remedy: "give an exported model, such as runs/<name>/model",
    });
  }
  const { data } = manifest.graphs.inference_model!;
  const weights = data ?? Object.keys(manifest.files).filter((name) => name.endsWith(".safetensors"));
  // An exported graph or one from elsewhere may have its weights inside.
  if (weights.length === 0 && manifest.training === undefined && manifest.state.length > 0) {
    throw new SamplerError({
      code: "manifest",
      problem: `${label}: the folder has no weights, as models have before they are trained`,
      remedy: "train it with `trainer`, and give the exported folder, runs/<name>/model",
    });
  }
  return [graph, ...weights].map((name) => ({ name, ...manifest.files[name]! }));
}
