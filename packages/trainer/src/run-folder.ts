/** Where things lie in a run folder. */

import { join } from "node:path";

/** The paths in a run folder. */
export interface RunFolder {
  readonly root: string;
  /** State of training, to resume from. */
  readonly checkpoints: string;
  /** The export: can be hosted as it is. */
  readonly model: string;
  /** Sample grids, one a drawing. */
  readonly samples: string;
  readonly metrics: string;
  readonly lossPng: string;
  readonly lossSvg: string;
}

/** The paths of the run in a folder; nothing is made or checked. */
export function runFolder(root: string): RunFolder {
  return {
    root,
    checkpoints: join(root, "checkpoints"),
    model: join(root, "model"),
    samples: join(root, "samples"),
    metrics: join(root, "metrics.jsonl"),
    lossPng: join(root, "loss.png"),
    lossSvg: join(root, "loss.svg"),
  };
}

/** `step-00000500`: names that sort by step. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}
