import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Writes the files into a folder, each whole or not at all, the manifest last. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of files) {
    const target = path.join(folder, file);
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
