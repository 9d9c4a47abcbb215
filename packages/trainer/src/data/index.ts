import { nearest, UserError } from "@onnx-diffusion/diffusion";
import { cifar10 } from "./cifar10.js";
import type { Dataset, DatasetEntry, LoadOptions } from "./dataset.js";
import { mnist } from "./mnist.js";

export type { Dataset, DatasetEntry, LoadOptions, Split } from "./dataset.js";
export { firstImages } from "./dataset.js";

/** What `--data` can name. A new data set is one file and one line here. */
export const DATASETS: readonly DatasetEntry[] = [mnist, cifar10];

/**
 * Loads a data set by name in the shape that a network takes.
 *
 * @throws UserError for an unknown name (usage), or for missing or damaged files.
 */
export async function loadDataset(name: string, options: LoadOptions): Promise<Dataset> {
  const entry = DATASETS.find((candidate) => candidate.name === name);
  if (entry) return await entry.load(options);
  const names = DATASETS.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  throw new UserError(
    `unknown data set "${name}", expected one of: ${names.join(", ")}${guess ? `; did you mean ${guess}?` : ""}`,
    { usage: true },
  );
}
