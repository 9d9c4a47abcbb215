/** The one place where pictures meet sharp. */

import sharp from "sharp";
import type { Picture } from "./grid.js";

/** A picture as a PNG file: its pixels with the lettering over them. */
export async function encodePicture({ pixels, width, height, lettering }: Picture): Promise<Uint8Array> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${lettering}</svg>`;
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** An SVG of any size as a PNG file with `scale` pixels for each of its units. */
export async function encodeSvg(svg: string, scale: number): Promise<Uint8Array> {
  // 72 dots an inch is one pixel a unit.
  return await sharp(Buffer.from(svg), { density: 72 * scale })
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
}
