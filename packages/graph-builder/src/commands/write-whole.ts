import { rename, rm, writeFile } from "node:fs/promises";

/** Writes a file through a temporary one beside it: afterwards it is whole, or what was there before. */
export async function writeWhole(target: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, target);
  } finally {
    // What was wrong with the path is the error to tell.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
