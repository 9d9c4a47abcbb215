import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileError } from "@onnx-diffusion/diffusion";
import { writeWhole } from "./write-whole.js";

/**
 * Writes the files into a folder, each whole or not at all, the manifest last.
 *
 * @throws UserError naming what cannot be written and why.
 */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await makeWithParents(path.resolve(folder)).catch((error: unknown) => {
    throw fileError(`cannot make the folder ${folder}`, error);
  });
  for (const [file, bytes] of files) {
    const target = path.join(folder, file);
    await writeWhole(target, bytes).catch((error: unknown) => {
      throw fileError(`cannot write ${target}`, error);
    });
  }
}

/** Node's own recursive mkdir never returns where a file system such as /proc refuses with ENOENT. */
async function makeWithParents(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  if (path.dirname(folder) !== folder) await makeWithParents(path.dirname(folder));
  await mkdir(folder);
}
