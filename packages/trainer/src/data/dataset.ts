/** What the trainer asks of a data set: labelled uint8 images of one shape, by index. */

import type { Fetchable } from "./fetching.js";

/** The two official parts of a data set. */
export type Split = "train" | "test";

/** Labelled images, held in memory in the shape in which the network takes them. */
export interface Dataset {
  /** The name it was loaded by. */
  readonly name: string;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Number of classes; labels are 0..classes-1. */
  readonly classes: number;
  /** The name of each class, for people; `classes` of them. */
  readonly classNames: readonly string[];
  /**
   * SHA-256 (hex) of what the network is fed: all images as uint8 [count,C,H,W], then all labels as little-endian
   * int32 [count]. Equal digests mean equal training data.
   */
  readonly digest: string;
  /**
   * Copies images into `out`, uint8 [n,C,H,W], 0 to 255.
   *
   * @throws RangeError for an index outside 0..count-1 or an `out` of another size.
   */
  images(indices: ArrayLike<number>, out: Uint8Array): void;
  /**
   * Copies labels into `out`, int32 [n], 0 to classes-1.
   *
   * @throws RangeError as `images` does.
   */
  labels(indices: ArrayLike<number>, out: Int32Array): void;
}

/** Which part of a data set, in which shape. */
export interface LoadOptions {
  /** Which of the two official parts. */
  readonly split: Split;
  /** The image shape that the network takes; images are resized to it. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** What follows the name and a colon, for an entry with an `argument`. */
  readonly argument?: string | undefined;
  /** A folder with the user's own copy of the files. */
  readonly dataDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called between the stages of loading: `done` of `total` parts of the work. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for what is not as it should be and can be done without. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** A data set that `--data` can name. */
export interface DatasetEntry {
  readonly name: string;
  /** What the name takes after a colon, such as `PATH` of `folder:PATH`; left out for a name that stands alone. */
  readonly argument?: string;
  /** One line for `--help`. */
  readonly description: string;
  /**
   * @throws UserError for missing or damaged files, naming the file, what was found and what was expected.
   * @throws the signal's reason when it is aborted.
   */
  load(options: LoadOptions): Promise<Dataset>;
  /** How `trainer data` gets it; left out where it comes with the trainer or is the user's own. */
  readonly fetchable?: Fetchable;
}

/** The first images of a data set: uint8 [min(count, all), C, H, W]. */
export function firstImages(dataset: Dataset, count: number): Uint8Array {
  const indices = Array.from({ length: Math.min(count, dataset.count) }, (_, i) => i);
  const out = new Uint8Array(indices.length * dataset.channels * dataset.height * dataset.width);
  dataset.images(indices, out);
  return out;
}
