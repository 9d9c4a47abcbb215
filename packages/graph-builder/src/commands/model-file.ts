/** Model files and the files that their weights lie in. */
import { open, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { GraphError, quote } from "../errors.js";
import type { Model, ModelGraph } from "../model.js";
import { decode } from "../onnx/decode.js";
import { loadExternalData, type ReadExternal } from "../onnx/external-data.js";
import { readModel } from "../onnx/read.js";
import { MODEL, type ModelProto } from "../onnx/schema.js";
import type { ExternalData } from "../tensor.js";

/** Protobuf measures messages in 31 bits. */
export const LARGEST_FILE = 2 ** 31 - 1;
/** Shapes, axes and indices have no more elements; shape inference wants them. */
const LONGEST_INDEX = 1024;

export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
  readonly model: Model;
  /** What the file says of itself beside the graph. */
  readonly header: Pick<ModelProto, "irVersion" | "producerName" | "producerVersion">;
  /** Reads external data of this model. */
  readonly read: ReadExternal;
}

/**
 * Reads a .onnx file. Weights in other files stay there, but for the small whole numbers that shapes are made of.
 * @throws UserError for a file that cannot be read, and for external data that shapes need and that is missing.
 */
export async function openModel(file: string): Promise<ModelFile> {
  const bytes = await readWhole(file);
  const proto = named(file, () => decode(MODEL, bytes));
  const read = externalReader(path.dirname(file));
  const model = await loadExternalData(
    named(file, () => readModel(proto)),
    read,
    {
      only: ({ dtype, shape }) => /^u?int/.test(dtype) && shape.reduce((a, b) => a * b, 1) <= LONGEST_INDEX,
    },
  );
  return { path: file, bytes: bytes.length, model, header: proto, read };
}

/** What is wrong with a file is said with its name. */
function named<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(`model ${file}: ${error.message}`, { cause: error });
  }
}

async function readWhole(file: string): Promise<Uint8Array> {
  const size = (await statOf(file)).size;
  if (size > LARGEST_FILE)
    throw new UserError(
      `model ${file}: ${size} bytes, but an ONNX file has at most ${LARGEST_FILE}; check the path`,
    );
  return readFile(file).catch((error: unknown) => {
    throw fileError(`cannot read model ${file}`, error);
  });
}

async function statOf(file: string) {
  const found = await stat(file).catch((error: unknown) => {
    throw fileError(`cannot read model ${file}`, error);
  });
  if (found.isFile()) return found;
  throw new UserError(
    `model ${file} is ${found.isDirectory() ? "a folder" : "no file"}; name the .onnx file`,
  );
}

/** Reads places in files beneath a folder, through no link that leads out of it. */
function externalReader(folder: string): ReadExternal {
  return async (place) => {
    const file = await open(await findExternal(folder, place), "r");
    try {
      const bytes = new Uint8Array(place.length);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, place.offset + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    } finally {
      await file.close();
    }
  };
}

/** @throws UserError where the file is missing, too short, or lies outside of the folder. */
export async function findExternal(folder: string, place: ExternalData): Promise<string> {
  const where = `external data ${quote(place.location)} beside the model`;
  const missing = (error: unknown) => fileError(`cannot read ${where} (in ${folder})`, error);
  const root = await realpath(folder).catch((error: unknown) => {
    throw missing(error);
  });
  const file = await realpath(path.join(root, place.location)).catch((error: unknown) => {
    throw missing(error);
  });
  if (!file.startsWith(root.endsWith(path.sep) ? root : root + path.sep))
    throw new UserError(
      `${where} is a link that leads out of the model's folder, which could show any file of this machine; copy the file into the folder`,
    );
  const found = await stat(file);
  if (!found.isFile()) throw new UserError(`${where} is no file; check the folder ${folder}`);
  const end = place.offset + place.length;
  if (end <= found.size) return file;
  throw new UserError(
    `${where} is ${found.size} bytes long, but the model has data in it up to byte ${end}; the file is cut off or another one`,
  );
}

/** The places outside of the file that a model's weights lie at. */
export function externalPlaces(graph: ModelGraph): ExternalData[] {
  const own = graph.initializers.flatMap(({ data }) => (ArrayBuffer.isView(data) ? [] : [data]));
  const inner = graph.nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap(({ type, value }) =>
      type === "graph" ? externalPlaces(value as ModelGraph) : [],
    ),
  );
  return [...own, ...inner];
}
