/** Whether a folder's files say that they come from one export. */

import { basename } from "node:path";
import { type TrainingRecord, UserError } from "@onnx-diffusion/diffusion";

/** A file and the texts in it that say what made it. */
export interface Origin {
  readonly path: string;
  readonly texts: ReadonlyMap<string, string>;
}

/** @throws UserError naming two files that say different things, or one that the manifest contradicts. */
export function checkProvenance(origins: readonly Origin[], training: TrainingRecord | undefined): void {
  const [first, ...others] = origins.filter(({ texts }) => texts.has("producer"));
  if (first === undefined) return;
  for (const other of others) {
    for (const [key, value] of first.texts) {
      const found = other.texts.get(key);
      if (found === value) continue;
      throw new UserError(
        `${other.path}: its ${key} is ${found ?? "not given"}, that of ${basename(first.path)} is ${value}; the files are from two exports`,
      );
    }
  }
  if (training === undefined) return;
  const said = { data_sha256: training.dataDigest, steps: `${training.steps}`, seed: `${training.seed}` };
  for (const [key, value] of Object.entries(said)) {
    const found = first.texts.get(key);
    if (found === value) continue;
    throw new UserError(
      `${first.path}: its ${key} is ${found ?? "not given"}, the manifest says ${value}; the two are not of one export`,
    );
  }
}
