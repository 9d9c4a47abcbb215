import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "./write-whole.js";

/** Writes the files into a folder, each whole or not at all, the manifest last. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await makeWithParents(path.resolve(folder));
  for (const [file, bytes] of files) await writeWhole(path.join(folder, file), bytes);
}

/** Node's own recursive mkdir never returns where a file system such as /proc refuses with ENOENT. */
async function makeWithParents(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  if (path.dirname(folder) !== folder) await makeWithParents(path.dirname(folder));
  await mkdir(folder);
}
