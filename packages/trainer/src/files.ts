/** Files that are either the old ones or the new ones, never half of either, whenever the power goes. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileError } from "@onnx-diffusion/diffusion";

const TEMPORARY = ".tmp";

/**
 * Writes a file through a temporary one in the same folder: write, flush, rename, flush the folder.
 *
 * @throws UserError naming the path and the cause; the file that was there before is kept.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}${TEMPORARY}`);
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  try {
    const file = openSync(temporary, "w");
    try {
      for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw fileError(`cannot write ${path}`, error);
  }
  flushFolder(dirname(path));
}

/** For a file that may not exist, in a folder that may be none: the error that led here is the one to tell. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // nothing to remove
  }
}

/** Makes a rename durable. Windows has no such call and needs none. */
function flushFolder(folder: string): void {
  if (process.platform === "win32") return;
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A file's bytes. @throws UserError naming the path and the cause. */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}

/**
 * Makes a folder with its parents.
 *
 * @throws UserError naming the path and the cause.
 */
export function makeFolder(path: string): void {
  try {
    makeWithParents(resolve(path));
  } catch (error) {
    throw fileError(`cannot make the folder ${path}`, error);
  }
}

/** Node's own recursive mkdir never returns where a file system such as /proc refuses with ENOENT. */
function makeWithParents(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (dirname(path) !== path) makeWithParents(dirname(path));
  mkdirSync(path);
}

/** Removes what a killed process left half-written in a folder. */
export function removeTemporaryFiles(folder: string): void {
  for (const name of namesIn(folder)) {
    if (name.startsWith(".") && name.endsWith(TEMPORARY)) rmSync(join(folder, name), { force: true });
  }
}

/** The names in a folder, sorted; none if it does not exist. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
