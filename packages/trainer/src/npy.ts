/** NumPy's .npy files, version 1.0, of uint8 values (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */

import type { Images } from "./pictures/images.js";

/**
 * An uint8 array as a .npy file.
 *
 * @param data The values in C order.
 * @throws RangeError if the shape does not fit the data.
 */
export function encodeNpy(data: Uint8Array, shape: readonly number[]): Uint8Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== data.length)
    throw new RangeError(`npy: ${data.length} values, the shape [${shape.join(", ")}] needs ${size}`);
  // A tuple of one has a comma after it, as Python writes it.
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const description = `{'descr': '|u1', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic (6), version (2), length of the header (2), header: padded with spaces so that the data starts at a
  // multiple of 64, and ended by a line break.
  const offset = Math.ceil((10 + description.length + 1) / 64) * 64;
  const out = new Uint8Array(offset + data.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(out.buffer).setUint16(8, offset - 10, true);
  out.set(new TextEncoder().encode(`${description.padEnd(offset - 11)}\n`), 10);
  out.set(data, offset);
  return out;
}

/** Images uint8 [N,C,H,W] as [N,H,W,C], the order that most other programs keep images in. */
export function toChannelsLast({ pixels, count, channels, height, width }: Images): Uint8Array {
  const area = height * width;
  const out = new Uint8Array(pixels.length);
  for (let image = 0; image < count; image++) {
    const base = image * channels * area;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < area; i++) out[base + i * channels + c] = pixels[base + c * area + i]!;
    }
  }
  return out;
}
