/** Image files as the network takes them. */

import { setImmediate as nextTurn } from "node:timers/promises";
import sharp from "sharp";
import type { ReadImages } from "./folder.js";

interface ReadOptions {
  readonly height: number;
  readonly width: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Bytes of the largest file that is read. */
  readonly largest: number;
}

/** Pixels of the largest image that is decoded: 100 megapixels take 300 MB for a moment. */
const LARGEST_IMAGE = 1e8;
/** Seconds that one image may take. */
const PATIENCE = 20;
/** Files that are read at the same time. */
const AT_ONCE = 4;

/** Reads files in their order: cut to the shape from the middle, transparent parts white, first frames alone. */
export async function readImages(
  files: readonly {
    readonly path: string;
    readonly name: string;
    readonly label: number;
    readonly stamp: string;
  }[],
  { height, width, signal, onProgress, largest }: ReadOptions,
): Promise<ReadImages> {
  const size = 3 * height * width;
  const pixels = new Uint8Array(files.length * size);
  const labels: number[] = [];
  const broken: string[] = [];
  for (let first = 0; first < files.length; first += AT_ONCE) {
    signal?.throwIfAborted();
    onProgress?.(first, files.length);
    await nextTurn();
    const some = files.slice(first, first + AT_ONCE);
    const read = await Promise.all(
      some.map(async ({ path, stamp }) => {
        if (Number.parseInt(stamp, 10) > largest) return new Error(`more than ${largest / 1e6} MB`);
        return await readImage(path, height, width).catch((error: Error) => error);
      }),
    );
    for (const [i, image] of read.entries()) {
      const { name, label } = some[i]!;
      if (image instanceof Error) {
        broken.push(`${name} (${reasonOf(image)})`);
        continue;
      }
      planes(image, pixels.subarray(labels.length * size, (labels.length + 1) * size));
      labels.push(label);
    }
  }
  return { pixels: pixels.slice(0, labels.length * size), labels: Uint8Array.from(labels), broken };
}

/** uint8 [H,W,3] */
async function readImage(path: string, height: number, width: number): Promise<Uint8Array> {
  return await sharp(path, { limitInputPixels: LARGEST_IMAGE, failOn: "error", pages: 1 })
    .timeout({ seconds: PATIENCE })
    .autoOrient()
    .resize(width, height, { fit: "cover", position: "centre" })
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .removeAlpha()
    .raw({ depth: "uchar" })
    .toBuffer();
}

/** [H,W,3] to [3,H,W]. */
function planes(image: Uint8Array, out: Uint8Array): void {
  const area = out.length / 3;
  for (let p = 0; p < area; p++) {
    for (let c = 0; c < 3; c++) out[c * area + p] = image[3 * p + c]!;
  }
}

/** sharp's messages have several lines, and the path, which is told already. */
function reasonOf({ message }: Error): string {
  if (/unsupported image format/i.test(message)) return "no image";
  if (/exceeds pixel limit/i.test(message)) return `more than ${LARGEST_IMAGE / 1e6} megapixels`;
  const line = message
    .split("\n")[0]!
    .replace(/^Input file: .*?: /, "")
    .slice(0, 80);
  return line === "" ? "it cannot be read" : line;
}
