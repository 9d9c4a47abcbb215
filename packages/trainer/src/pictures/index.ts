/** Pictures as PNG and SVG files. */

import { type Comparison, layOutComparison } from "./comparison.js";
import { type CurveOptions, type CurvePoint, curveSvg } from "./curve.js";
import { type GridOptions, layOutGrid } from "./grid.js";
import type { Images } from "./images.js";
import { encodePicture, encodeSvg } from "./png.js";

export type { Comparison, CurveOptions, CurvePoint, GridOptions, Images };

/** Images in rows and columns as a PNG file. */
export async function gridPng(images: Images, options: GridOptions = {}): Promise<Uint8Array> {
  return await encodePicture(layOutGrid([{ images }], options));
}

/** Generated images above real ones as a PNG file. */
export async function comparisonFigure(comparison: Comparison): Promise<Uint8Array> {
  return await encodePicture(layOutComparison(comparison));
}

/** The loss of each step and the smoothed one, as an SVG file and as a PNG file of twice its size in pixels. */
export async function lossCurve(
  points: readonly CurvePoint[],
  options: CurveOptions = {},
): Promise<{ svg: string; png: Uint8Array }> {
  const svg = curveSvg(points, options);
  return { svg, png: await encodeSvg(svg, 2) };
}
