import { createHash } from "node:crypto";
import type { Dataset } from "./dataset.js";

/** Images held once: as many planes as they are given out with, or one that is given out in `channels` equal copies. */
export interface Planes {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  /** uint8 [count,channels,H,W], or [count,1,H,W]. */
  readonly planes: Uint8Array;
  /** uint8 [count]. */
  readonly labels: Uint8Array;
}

/** A {@link Dataset} over planes: grey is kept once and repeated as it is copied into a batch. */
export function planesDataset(options: Planes): Dataset {
  const { name, channels, height, width, classNames, planes, labels } = options;
  const area = height * width;
  const count = labels.length;
  const { size, copies } = storage(options);

  function images(indices: ArrayLike<number>, out: Uint8Array): void {
    checkSize(out.length, indices.length * channels * area);
    let at = 0;
    for (let i = 0; i < indices.length; i++) {
      const start = checkIndex(indices[i]!) * size;
      const image = planes.subarray(start, start + size);
      for (let c = 0; c < copies; c++, at += size) out.set(image, at);
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

/** The values that are held of an image, and how often they are given out. */
function storage({ name, channels, height, width, planes, labels }: Planes): {
  size: number;
  copies: number;
} {
  const area = height * width;
  const stored = planes.length / (labels.length * area);
  if (stored === channels) return { size: channels * area, copies: 1 };
  if (stored === 1) return { size: area, copies: channels };
  throw new RangeError(`${name}: ${planes.length} values for ${labels.length} images of ${height}x${width}`);
}

/** See {@link Dataset.digest}. Hashed in blocks, so that the repeated channels are never held at once. */
function digestOf(options: Planes): string {
  const { planes, labels } = options;
  const { size, copies } = storage(options);
  const hash = createHash("sha256");
  const blockImages = Math.max(1, Math.floor((1 << 20) / (size * copies)));
  const block = new Uint8Array(blockImages * copies * size);
  for (let image = 0; image < labels.length; image += blockImages) {
    const end = Math.min(labels.length, image + blockImages);
    let at = 0;
    for (let i = image; i < end; i++) {
      const image = planes.subarray(i * size, (i + 1) * size);
      for (let c = 0; c < copies; c++, at += size) block.set(image, at);
    }
    hash.update(block.subarray(0, at));
  }
  const bytes = new DataView(new ArrayBuffer(labels.length * 4));
  for (let i = 0; i < labels.length; i++) bytes.setInt32(i * 4, labels[i]!, true);
  return hash.update(bytes).digest("hex");
}
