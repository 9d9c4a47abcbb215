/**
 * CIFAR-10 (Krizhevsky, 2009): 50,000 + 10,000 photographs of ten classes, colour, 32x32, in the official binary
 * batches (https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): records of one label byte, then 1024 bytes
 * each of red, green and blue. `trainer data cifar10` gets them.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { cachePath } from "./cache.js";
import { CIFAR10_SOURCES } from "./cifar10-sources.js";
import type { DatasetEntry, LoadOptions, Split } from "./dataset.js";
import { type Labelled, loadLabelled } from "./labelled.js";

const CIFAR10_CLASSES = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const SIDE = 32;
const CIFAR10_PIXELS = 3 * SIDE * SIDE;
const RECORD = 1 + CIFAR10_PIXELS;
/** Of a user's own files; the official ones have 10,000 records. */
const MOST_RECORDS = 100_000;

/** The official batches and their MD5. */
const CIFAR10_BATCHES = {
  train: [
    { name: "data_batch_1.bin", md5: "5dd7e06a14cb22eb9f671a540d1b7c25" },
    { name: "data_batch_2.bin", md5: "5ea93a67294ea407fff1d09f752e9692" },
    { name: "data_batch_3.bin", md5: "942cd6a4bcdd0dd3c604fbe906cb4421" },
    { name: "data_batch_4.bin", md5: "ae636b3ba5c66a11e91e8cb52e771fcb" },
    { name: "data_batch_5.bin", md5: "53f37980c15c3d472c316c40844f3f0d" },
  ],
  test: [{ name: "test_batch.bin", md5: "803d5f7f4d78ea53de84dbe85f74fb6d" }],
} as const satisfies Record<Split, readonly { readonly name: string; readonly md5: string }[]>;

export const cifar10: DatasetEntry = {
  name: "cifar10",
  description:
    "photographs of ten classes, 50,000 to train on (trainer data cifar10 gets it, or --data-dir with the .bin files)",
  load: (options) => loadLabelled("cifar10", options, readSplit),
  fetchable: {
    sources: CIFAR10_SOURCES,
    files: [...CIFAR10_BATCHES.train, ...CIFAR10_BATCHES.test],
  },
};

async function readSplit({ dataDir, split, signal }: LoadOptions): Promise<Labelled> {
  const batches = CIFAR10_BATCHES[split];
  const folder = findFolder(dataDir, batches[0].name);
  const contents: Uint8Array[] = [];
  for (const { name, md5 } of batches) {
    signal?.throwIfAborted();
    const path = join(folder, name);
    const bytes = await readBatch(path);
    if (dataDir === undefined) checkMd5(path, bytes, md5);
    contents.push(bytes);
  }
  const count = contents.reduce((sum, bytes) => sum + bytes.length / RECORD, 0);
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * CIFAR10_PIXELS);
  let i = 0;
  for (const bytes of contents) {
    for (let at = 0; at < bytes.length; at += RECORD, i++) {
      labels[i] = bytes[at]!;
      pixels.set(bytes.subarray(at + 1, at + RECORD), i * CIFAR10_PIXELS);
    }
  }
  return { pixels, labels, channels: 3, height: SIDE, width: SIDE, classNames: CIFAR10_CLASSES };
}

/** The folder itself, or the one that the official archive makes in it. */
function findFolder(dataDir: string | undefined, first: string): string {
  const folder = dataDir ?? cachePath(["cifar10"]);
  const inside = join(folder, "cifar-10-batches-bin");
  if (existsSync(join(folder, first))) return folder;
  if (existsSync(join(inside, first))) return inside;
  throw new UserError(
    dataDir === undefined
      ? `cifar10: there is no ${join(folder, first)}; get it with: trainer data cifar10 (or give --data-dir)`
      : `--data-dir ${folder}: there is no ${first}; put the six .bin files of CIFAR-10's binary version there`,
  );
}

/** One batch with its records checked. */
async function readBatch(path: string): Promise<Uint8Array> {
  const bytes = await readWhole(path);
  for (let at = 0; at < bytes.length; at += RECORD) {
    const label = bytes[at]!;
    if (label < CIFAR10_CLASSES.length) continue;
    throw new UserError(
      `${path}: record ${at / RECORD} has the label ${label}, expected 0 to ${CIFAR10_CLASSES.length - 1}; ` +
        "the file is damaged or not of CIFAR-10's binary version",
    );
  }
  return bytes;
}

/** The size is checked before anything is read. */
async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size === 0 || size % RECORD !== 0 || size > RECORD * MOST_RECORDS) {
        throw new UserError(
          `${path}: ${size} bytes, expected a multiple of ${RECORD} (one label and 3x32x32 pixels each; the ` +
            `official files have ${10_000 * RECORD}); it is cut short or another file, get it again`,
        );
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof UserError ? error : fileError(`cannot read ${path}`, error);
  }
}

function checkMd5(path: string, bytes: Uint8Array, expected: string): void {
  const actual = createHash("md5").update(bytes).digest("hex");
  if (actual === expected) return;
  throw new UserError(
    `${path}: MD5 ${actual}, expected ${expected} (the official CIFAR-10); ` +
      "remove it and get it again with: trainer data cifar10, or give --data-dir for files of your own",
  );
}
