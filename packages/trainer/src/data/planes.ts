import { createHash } from "node:crypto";
import type { Dataset } from "./dataset.js";

/** Grey images held once and given out in `channels` equal copies. */
export interface Planes {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  /** uint8 [count,H,W]. */
  readonly planes: Uint8Array;
  /** uint8 [count]. */
  readonly labels: Uint8Array;
}

/** A {@link Dataset} over grey images: each is kept once and repeated as it is copied into a batch. */
export function planesDataset(options: Planes): Dataset {
  const { name, channels, height, width, classNames, planes, labels } = options;
  const area = height * width;
  const count = labels.length;
  if (planes.length !== count * area) {
    throw new RangeError(`${name}: ${planes.length} pixels for ${count} images of ${height}x${width}`);
  }

  function images(indices: ArrayLike<number>, out: Uint8Array): void {
    checkSize(out.length, indices.length * channels * area);
    let at = 0;
    for (let i = 0; i < indices.length; i++) {
      const start = checkIndex(indices[i]!) * area;
      const plane = planes.subarray(start, start + area);
      for (let c = 0; c < channels; c++, at += area) out.set(plane, at);
    }
  }

  function copyLabels(indices: ArrayLike<number>, out: Int32Array): void {
    checkSize(out.length, indices.length);
    for (let i = 0; i < indices.length; i++) out[i] = labels[checkIndex(indices[i]!)]!;
  }

  function checkIndex(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < count) return index;
    throw new RangeError(`${name}: index ${index} is not in 0..${count - 1}`);
  }

  function checkSize(actual: number, expected: number): void {
    if (actual !== expected) {
      throw new RangeError(`${name}: the output holds ${actual} values, ${expected} are needed`);
    }
  }

  const classes = classNames.length;
  const shape = { name, count, channels, height, width, classes, classNames };
  return { ...shape, digest: digestOf(options), images, labels: copyLabels };
}

/** See {@link Dataset.digest}. Hashed in blocks, so that the repeated channels are never held at once. */
function digestOf({ channels, height, width, planes, labels }: Planes): string {
  const hash = createHash("sha256");
  const area = height * width;
  const blockImages = Math.max(1, Math.floor((1 << 20) / (area * channels)));
  const block = new Uint8Array(blockImages * channels * area);
  for (let image = 0; image < labels.length; image += blockImages) {
    const end = Math.min(labels.length, image + blockImages);
    let at = 0;
    for (let i = image; i < end; i++) {
      const plane = planes.subarray(i * area, (i + 1) * area);
      for (let c = 0; c < channels; c++, at += area) block.set(plane, at);
    }
    hash.update(block.subarray(0, at));
  }
  const bytes = new DataView(new ArrayBuffer(labels.length * 4));
  for (let i = 0; i < labels.length; i++) bytes.setInt32(i * 4, labels[i]!, true);
  return hash.update(bytes).digest("hex");
}
