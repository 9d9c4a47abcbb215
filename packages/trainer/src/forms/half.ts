/** Weights in half precision. */

import { toHalf, UserError } from "@onnx-diffusion/diffusion";

/** The graph's name for a weight that is kept in half precision. */
export const halfName = (name: string): string => `${name}.float16`;

/** The largest number of binary16. */
export const LARGEST_HALF = 65504;

/**
 * The bits of each value in binary16.
 *
 * @throws UserError for a value that would become infinite.
 */
export function halves(name: string, values: Float32Array): Uint16Array<ArrayBuffer> {
  const large = values.find((value) => Math.abs(value) > LARGEST_HALF);
  if (large === undefined) return Uint16Array.from(values, toHalf);
  throw new UserError(
    `weights: "${name}" has the value ${large}, expected at most ${LARGEST_HALF} for half precision; export another form`,
  );
}
