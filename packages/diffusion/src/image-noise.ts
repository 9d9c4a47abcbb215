import { UserError } from "./errors.js";
import { fillNormals } from "./stream.js";

/** A sampler has fewer rows than this: T is at most 65535. */
const ROWS = 65536;

/** The stream index of the noise that image number `image` takes at row `row` of a sampler (0 for x_T). */
export function imageNoiseIndex(image: number, row: number): number {
  if (!Number.isInteger(image) || image < 0 || image >= 2 ** 37) {
    throw new UserError(`noise: found image ${image}, expected an integer in 0..${2 ** 37 - 1}`);
  }
  if (!Number.isInteger(row) || row < 0 || row >= ROWS) {
    throw new UserError(`noise: found row ${row}, expected an integer in 0..${ROWS - 1}`);
  }
  return image * ROWS + row;
}

/**
 * Fills a batch [N,C,H,W] with the standard normals of its images. Image i of a seed always gets the same noise, however
 * many are sampled beside it: a picture can be drawn again alone, and batches of any size give the same set.
 *
 * @param out [N,C,H,W], N = out.length / size.
 * @param options.size C * H * W.
 * @param options.row the sampler's row; 0 for `sampleInitial`.
 * @param options.first number of the batch's first image, 0 by default.
 * @throws UserError if a number is out of range or `out` is no whole number of images.
 */
export function fillImageNoise(
  out: Float32Array,
  options: {
    readonly seed: number;
    readonly purpose: "sampleInitial" | "sampleStep";
    readonly row: number;
    readonly size: number;
    readonly first?: number;
  },
): void {
  const { seed, purpose, row, size, first = 0 } = options;
  if (!Number.isInteger(size) || size < 1 || out.length % size !== 0) {
    throw new UserError(`noise: found ${out.length} values, expected a multiple of the image's ${size}`);
  }
  for (let i = 0; i * size < out.length; i++) {
    const image = out.subarray(i * size, (i + 1) * size);
    fillNormals(image, { seed, purpose, index: imageNoiseIndex(first + i, row) });
  }
}
