/** A model folder, read and checked. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import {
  fileError,
  type GraphName,
  type Manifest,
  parseManifest,
  UserError,
} from "@onnx-diffusion/diffusion";

export interface ModelFolder {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Who asks for a folder. */
export type Asker = "--artifacts" | "--model" | "verify";

/**
 * Reads `manifest.json` of a model folder.
 *
 * @param flag the flag or command that named the folder, for messages.
 * @throws UserError if there is no such folder or manifest, or it has a wrong field.
 */
export function readModelFolder(folder: string, flag: Asker): ModelFolder {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) {
    const found = !existsSync(folder)
      ? "there is no such folder"
      : statSync(folder).isDirectory()
        ? "the folder has no manifest.json"
        : "it is a file, a model folder was expected";
    throw new UserError(`${flag} ${folder}: ${found}; ${remedy(folder, flag)}`);
  }
  return { folder, manifest: parseManifest(readText(path), path) };
}

function remedy(folder: string, flag: Asker): string {
  if (flag === "verify") {
    return "give a model folder, which the forms state-dict, huggingface and sampler are not";
  }
  if (flag === "--model") return "give an exported model, such as runs/unet-cond/model, made by `trainer`";
  const name = basename(folder) || "unet-cond";
  return `make it with: graph-builder emit ${name} --out ${folder}`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}

/**
 * The path of a graph's file.
 *
 * @throws UserError if the model has no such graph.
 */
export function graphPath({ folder, manifest }: ModelFolder, name: GraphName): string {
  const graph = manifest.graphs[name];
  if (graph !== undefined) return join(folder, graph.file);
  const names = Object.keys(manifest.graphs).join(", ");
  throw new UserError(`${folder}: the model has no ${name}, only ${names}; emit the folder again`);
}

/**
 * Compares every graph's file with its digest in the manifest.
 *
 * @throws UserError naming the first file that is missing or not the one the manifest means.
 */
export function checkGraphs(model: ModelFolder): void {
  for (const graph of Object.values(model.manifest.graphs)) checkFile(model, graph.file);
}

/** @throws UserError if the file is missing or has another SHA-256 than the manifest says. */
export function checkFile({ folder, manifest }: ModelFolder, name: string): void {
  const path = join(folder, name);
  const expected = manifest.files[name];
  if (expected === undefined) {
    throw new UserError(
      `${join(folder, "manifest.json")}: files has no entry for ${name}; make the folder again`,
    );
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(`cannot read ${path}, which the manifest names`, error);
  }
  const { sha256 } = digestOfBytes(bytes);
  if (sha256 !== expected.sha256) {
    throw new UserError(
      `${path}: its SHA-256 is ${sha256} (${bytes.byteLength} bytes), the manifest says ${expected.sha256} ` +
        `(${expected.bytes} bytes); the file is damaged or swapped, make the folder again`,
    );
  }
}

/** The manifest's entry for a file with these bytes. */
export function digestOfBytes(bytes: Uint8Array): { sha256: string; bytes: number } {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.byteLength };
}
