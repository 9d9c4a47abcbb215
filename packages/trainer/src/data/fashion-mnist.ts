/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 60,000 + 10,000 pictures of clothes, grey, 28x28, in the four idx files
 * of MNIST's names (https://github.com/zalandoresearch/fashion-mnist). `trainer data fashion-mnist` gets them.
 */

import { copyFileSync, existsSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import { cachePath } from "./cache.js";
import type { DatasetEntry } from "./dataset.js";
import type { Source } from "./fetching.js";
import { type IdxSet, readIdxSplit } from "./idx-split.js";
import { loadLabelled } from "./labelled.js";

/** The official files, compressed, with the MD5s and sizes of their README. */
const FILES = [
  { name: "train-images-idx3-ubyte.gz", md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", bytes: 26_421_880 },
  { name: "train-labels-idx1-ubyte.gz", md5: "25c81989df183df01b3e8a0aad5dffbe", bytes: 29_515 },
  { name: "t10k-images-idx3-ubyte.gz", md5: "bef4ecab320f06d8554ea6380940ec79", bytes: 4_422_102 },
  { name: "t10k-labels-idx1-ubyte.gz", md5: "bb300cfdad3c16e7a12a480ee83cd310", bytes: 5_148 },
] as const;

const CLASS_NAMES = [
  "T-shirt",
  "trousers",
  "pullover",
  "dress",
  "coat",
  "sandal",
  "shirt",
  "sneaker",
  "bag",
  "ankle boot",
];

/** The same files from several places. */
function source(name: string, base: string): Source {
  return {
    name,
    remotes: FILES.map((file) => ({
      url: `${base}/${file.name}`,
      bytes: file.bytes,
      algorithm: "md5",
      digest: file.md5,
    })),
    async *unpack(paths, folder) {
      for (const [i, { name: file }] of FILES.entries()) {
        copyFileSync(paths[i]!, join(folder, file));
        yield { done: i + 1, total: FILES.length };
      }
    },
  };
}

const FASHION: IdxSet = {
  title: "Fashion-MNIST",
  classNames: CLASS_NAMES,
  find(name) {
    const path = cachePath(["fashion-mnist", `${name}.gz`]);
    if (existsSync(path)) return path;
    throw new UserError(
      `fashion-mnist: there is no ${basename(path)} in ${cachePath(["fashion-mnist"])}; ` +
        "get it with: trainer data fashion-mnist (or give --data-dir)",
    );
  },
};

export const fashionMnist: DatasetEntry = {
  name: "fashion-mnist",
  description:
    "pictures of clothes, 60,000 to train on (trainer data fashion-mnist gets it, or four idx files in --data-dir)",
  load: (options) => loadLabelled("fashion-mnist", options, (load) => readIdxSplit(FASHION, load)),
  fetchable: {
    sources: [
      source("official", "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
      source("github", "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"),
    ],
    files: FILES,
  },
};
