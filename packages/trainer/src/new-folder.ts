/** A folder that is there whole or not at all. */

import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { makeFolder, namesIn, writeFileAtomic } from "./files.js";

/** A folder in the making. */
export interface NewFolder {
  /** Where to write: hidden, beside its place. */
  readonly hidden: string;
  /** Puts it in its place. */
  commit(): void;
  /** Removes what was written, unless it is in its place. */
  discard(): void;
}

/** @throws UserError if there is something at that path but an empty folder, or nothing can be written there. */
export function newFolder(path: string): NewFolder {
  const target = resolve(path);
  if (existsSync(target) && !isEmptyFolder(target)) {
    throw new UserError(`--out ${path}: it is there already; give another folder, or remove it first`);
  }
  const hidden = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  makeFolder(hidden);
  return {
    hidden,
    commit: () => moveFolder(hidden, target),
    discard: () => rmSync(hidden, { recursive: true, force: true }),
  };
}

const isEmptyFolder = (path: string): boolean => statSync(path).isDirectory() && namesIn(path).length === 0;

/**
 * Makes a new folder: `fill` writes into a hidden one beside it, which then gets its name.
 *
 * @param fill is given the hidden folder's path.
 * @throws UserError as {@link newFolder} does; whatever `fill` throws. Nothing is left.
 */
export async function makeWholeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const folder = newFolder(path);
  try {
    await fill(folder.hidden);
    folder.commit();
  } finally {
    folder.discard();
  }
}

function moveFolder(from: string, to: string): void {
  try {
    // an empty folder, as was checked: POSIX replaces it, Windows would not
    if (existsSync(to)) rmSync(to, { recursive: true });
    renameSync(from, to);
  } catch (error) {
    throw fileError(`cannot write ${to}`, error);
  }
}

/** Writes a file beneath a folder, with the folders on its way. */
export function writeBeneath(folder: string, name: string, content: string | Uint8Array): void {
  const path = join(folder, ...name.split("/"));
  makeFolder(dirname(path));
  writeFileAtomic(path, content);
}
