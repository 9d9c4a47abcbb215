/** Files that are either the old ones or the new ones, never half of either, whenever the power goes. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";

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

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EFBIG: "the file is larger than this system or its limits allow; raise the limit (ulimit -f)",
  EACCES: "no permission; choose another folder or change its permissions",
  EPERM: "not permitted; choose another folder or change its permissions",
  EROFS: "the file system is read-only; choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder; choose another path",
  EISDIR: "it is a folder, a file was expected; choose another path",
  EEXIST: "a file of that name is in the way; choose another path",
  ENOENT: "no such file or folder",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
  EIO: "the disk reports an error",
};

/** The error code of a failed system call, if it is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** One line for a failed file operation. */
export function fileError(what: string, error: unknown): UserError {
  const code = systemCode(error);
  const reason = (code === undefined ? undefined : REASONS[code]) ?? (error as Error).message;
  return new UserError(`${what}: ${reason}`, { cause: error });
}
