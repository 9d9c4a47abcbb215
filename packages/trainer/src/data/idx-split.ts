/** Data sets in the four idx files of MNIST: 28x28, grey, ten classes. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import type { LoadOptions, Split } from "./dataset.js";
import { readIdx } from "./idx.js";
import type { Labelled } from "./labelled.js";

/** The official names of the files, decompressed. */
const IDX_FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const satisfies Record<Split, Record<"images" | "labels", string>>;

/** What tells one of these data sets from another. */
export interface IdxSet {
  /** Its name for people. */
  readonly title: string;
  readonly classNames: readonly string[];
  /** The path of a file where the user gave no folder. @throws UserError where there is none. */
  find(name: string): string;
  /** Checks such a file's decompressed content. @throws UserError. */
  check?(path: string, name: string, bytes: Uint8Array): void;
}

/** Reads and checks the images and labels of one split. */
export async function readIdxSplit(set: IdxSet, { dataDir, split, signal }: LoadOptions): Promise<Labelled> {
  const { classNames } = set;
  const official = IDX_FILES[split];
  const find = dataDir === undefined ? set.find : await folderFinder(dataDir, set.title);
  const imagesPath = find(official.images);
  const labelsPath = find(official.labels);
  signal?.throwIfAborted();
  const images = await readIdx(imagesPath, 3);
  signal?.throwIfAborted();
  const labels = await readIdx(labelsPath, 1);
  if (dataDir === undefined) {
    set.check?.(imagesPath, official.images, images.bytes);
    set.check?.(labelsPath, official.labels, labels.bytes);
  }
  const [count, height, width] = images.array.shape as [number, number, number];
  if (count === 0 || height === 0 || width === 0) {
    throw new UserError(`${imagesPath}: ${count} images of ${height}x${width}, expected at least one pixel`);
  }
  const found = labels.array.shape[0]!;
  if (found !== count) {
    throw new UserError(
      `${labelsPath}: ${found} labels, expected ${count}, one for each image of ${imagesPath}; ` +
        "take both files from the same split",
    );
  }
  const wrong = labels.array.data.findIndex((label) => label >= classNames.length);
  if (wrong >= 0) {
    throw new UserError(
      `${labelsPath}: label ${wrong} is ${labels.array.data[wrong]}, expected 0 to ${classNames.length - 1}; ` +
        "the file is damaged or holds other classes",
    );
  }
  const pixels = images.array.data;
  return { pixels, labels: labels.array.data, channels: 1, height, width, classNames };
}

/** Looks official files up in a folder, under any of their usual names. */
async function folderFinder(folder: string, title: string): Promise<(name: string) => string> {
  const present = new Set(
    await readdir(folder).catch((error) => {
      throw fileError(`cannot read the data folder ${folder}`, error);
    }),
  );
  return (name) => {
    const dotted = name.replace("-idx", ".idx");
    const found = [name, dotted, `${name}.gz`, `${dotted}.gz`].find((candidate) => present.has(candidate));
    if (found !== undefined) return join(folder, found);
    throw new UserError(
      `${folder}: no ${name} or ${dotted}, with or without .gz; ` +
        `put the four idx files of ${title} there, or leave out --data-dir`,
    );
  };
}
