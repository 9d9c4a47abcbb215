/** What takes a batch of images through the rows of a sampler's table. */
import type { SamplerRow } from "@onnx-diffusion/diffusion";

/** A batch to draw. */
export interface Walk {
  readonly rows: readonly SamplerRow[];
  /** x_T [N, C, H, W]; left as it is. */
  readonly x: Float32Array<ArrayBuffer>;
  /** [N], or none for a model without classes. */
  readonly labels: readonly number[];
  /** Fills `out` with the standard normals of a row; asked only where the row takes noise. */
  readonly noise: (out: Float32Array, row: number) => void;
  /** Whether x is wanted after this row. The last row's always is. */
  readonly wanted: (row: number) => boolean;
  /** @throws to stop. */
  readonly check: () => void;
}

/** A row that has been done. */
export interface WalkStep {
  readonly row: number;
  /** x as the row left it, where it is wanted; to be read before the next row. */
  readonly x: Float32Array | undefined;
}

/** A model on a device. Takes one walk at a time. */
export interface Walker {
  /** Makes ready for batches of this size. */
  prepare(batch: number): Promise<void>;
  walk(walk: Walk): AsyncGenerator<WalkStep, void, undefined>;
  release(): Promise<void>;
}
