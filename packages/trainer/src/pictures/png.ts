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

/** A picture as an SVG file: its pixels inside as a PNG, drawn as they are, and the lettering over them as paths. */
export async function pictureSvg({ pixels, width, height, lettering }: Picture): Promise<string> {
  const raw = sharp(pixels, { raw: { width, height, channels: 3 } });
  const inside = (await raw.png({ compressionLevel: 9 }).toBuffer()).toString("base64");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<image width="${width}" height="${height}" style="image-rendering:pixelated" href="data:image/png;base64,${inside}"/>` +
    `${lettering}</svg>\n`
  );
}

/** An SVG of any size as a PNG file with `scale` pixels for each of its units. */
export async function encodeSvg(svg: string, scale: number): Promise<Uint8Array> {
  // 72 dots an inch is one pixel a unit.
  return await sharp(Buffer.from(svg), { density: 72 * scale })
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
}
