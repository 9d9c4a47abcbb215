/** The folder of a run's checkpoints: the newest good one is found, old ones go. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { type DecodedCheckpoint, decodeCheckpoint } from "./checkpoint.js";
import { namesIn, writeFileAtomic } from "./files.js";
import { stepName } from "./run-folder.js";

const NAME = /^step-(\d{8,})\.safetensors$/;

/** Where a checkpoint lies, by its name. */
export interface CheckpointFile {
  readonly step: number;
  readonly path: string;
}

/** The checkpoints of a folder, oldest first; none if there is no folder. */
export function listCheckpoints(folder: string): CheckpointFile[] {
  return namesIn(folder)
    .flatMap((name) => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: join(folder, name) }];
    })
    .sort((a, b) => a.step - b.step);
}

/**
 * Writes a checkpoint, then removes the oldest ones beyond `keep`. Should writing fail, all former ones stay.
 *
 * @returns the path.
 * @throws UserError naming the path and the cause.
 */
export function saveCheckpoint(folder: string, step: number, bytes: Uint8Array, keep: number): string {
  const path = join(folder, `${stepName(step)}.safetensors`);
  writeFileAtomic(path, bytes);
  for (const old of listCheckpoints(folder).slice(0, -keep)) rmSync(old.path, { force: true });
  return path;
}

/** A checkpoint to go on from, and what was passed over. */
export interface FoundCheckpoint {
  readonly checkpoint: DecodedCheckpoint;
  readonly path: string;
  /** One line for each newer file that is damaged. */
  readonly warnings: readonly string[];
}

/**
 * The newest checkpoint that is whole.
 *
 * @throws UserError if there is none.
 */
export function newestCheckpoint(folder: string): FoundCheckpoint {
  const files = listCheckpoints(folder).reverse();
  if (files.length === 0) {
    throw new UserError(`--resume: there is no checkpoint in ${folder}; start the run without --resume`);
  }
  const warnings: string[] = [];
  for (const { path } of files) {
    try {
      return { checkpoint: decodeCheckpoint(readWhole(path), path), path, warnings };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warnings.push(error.message);
    }
  }
  throw new UserError(
    `--resume: every checkpoint in ${folder} is damaged: ${warnings.join("; ")}; start a new run with another --out`,
  );
}

function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}
