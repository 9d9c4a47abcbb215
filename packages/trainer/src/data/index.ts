import { nearest, UserError } from "@onnx-diffusion/diffusion";
import { cifar10 } from "./cifar10.js";
import type { Dataset, DatasetEntry, LoadOptions } from "./dataset.js";
import { fashionMnist } from "./fashion-mnist.js";
import { folder } from "./folder.js";
import { mnist } from "./mnist.js";

export type { Dataset, DatasetEntry, LoadOptions, Split } from "./dataset.js";
export { firstImages } from "./dataset.js";

/** What `--data` can name. A new data set is one file and one line here. */
export const DATASETS: readonly DatasetEntry[] = [mnist, fashionMnist, cifar10, folder];

/** What can be typed: `mnist`, `folder:PATH`. */
export const DATASET_NAMES: readonly string[] = DATASETS.map(({ name, argument }) =>
  argument === undefined ? name : `${name}:${argument}`,
);

/**
 * The entry that a text such as `mnist` or `folder:photos` names, and what follows the colon.
 *
 * @param flag what the error calls it.
 * @throws UserError (usage) for an unknown name, with the nearest one, or for one with too much or too little.
 */
export function findDataset(
  flag: string,
  text: string,
): { entry: DatasetEntry; argument: string | undefined } {
  const [, name = text, argument] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  const entry = DATASETS.find((candidate) => candidate.name === name);
  if (entry !== undefined && (entry.argument === undefined) === (argument === undefined) && argument !== "") {
    return { entry, argument };
  }
  const near = nearest(
    name,
    DATASETS.map((candidate) => candidate.name),
  );
  const meant = DATASET_NAMES[DATASETS.findIndex((candidate) => candidate.name === near)];
  throw new UserError(
    `${flag}: found ${text === "" ? "nothing" : JSON.stringify(text)}, expected one of ${DATASET_NAMES.join(", ")}` +
      (meant === undefined ? "" : `; did you mean ${meant}?`),
    { usage: true },
  );
}

/**
 * Loads a data set by name in the shape that a network takes.
 *
 * @throws UserError for an unknown name (usage), or for missing or damaged files.
 */
export async function loadDataset(name: string, options: LoadOptions): Promise<Dataset> {
  const { entry, argument } = findDataset("--data", name);
  return await entry.load({ ...options, argument });
}
