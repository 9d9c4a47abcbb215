/** A narrow class-conditional U-Net, emitted by the builder's command as a user would. */

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILDER = fileURLToPath(new URL("../../graph-builder/dist/cli.js", import.meta.url));
export const TRAINER = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

/**
 * @param training flags of `graph-builder emit` that say how it is trained.
 * @returns the path of a new model folder.
 */
export function emitSmallModel(...training: readonly string[]): string {
  const folder = join(mkdtempSync(join(tmpdir(), "small-model-")), "net");
  const options = ["channels=8,12,16,20", "bottleneck=24", "up=24,20,16,12"].flatMap((o) => ["--option", o]);
  const { status, stderr } = spawnSync(
    process.execPath,
    [BUILDER, "emit", "unet-cond", ...options, ...training, "--out", folder],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return folder;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export function trainer(...words: readonly string[]): Finished {
  return spawnSync(process.execPath, [TRAINER, ...words], { encoding: "utf8", timeout: 300_000 });
}
