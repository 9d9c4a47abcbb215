/** Pictures as PNG and SVG files. */

import type { LossAtTimestep } from "../evaluation/loss-by-timestep.js";
import { linearAxis, logAxis } from "./axis.js";
import { type Comparison, layOutComparison } from "./comparison.js";
import { confusionSvg } from "./confusion.js";
import { type CurveOptions, type CurvePoint, curveSvg } from "./curve.js";
import { type GridOptions, layOutGrid } from "./grid.js";
import type { Images } from "./images.js";
import { plotSvg } from "./plot.js";
import { encodePicture, encodeSvg } from "./png.js";
import { ACCENT } from "./theme.js";

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
export async function lossCurve(points: readonly CurvePoint[], options: CurveOptions = {}): Promise<Figure> {
  return await figure(curveSvg(points, options));
}

/** A plot as an SVG file and as a PNG file of twice its size in pixels. */
export interface Figure {
  readonly svg: string;
  readonly png: Uint8Array;
}

async function figure(svg: string): Promise<Figure> {
  return { svg, png: await encodeSvg(svg, 2) };
}

/** How often each class (rows) was taken for each, counts[asked][seen], as a PNG file. */
export async function confusionFigure(
  counts: readonly (readonly number[])[],
  classNames: readonly string[],
): Promise<Uint8Array> {
  return await encodeSvg(confusionSvg(counts, classNames), 2);
}

/** The loss at each noise level. */
export async function lossByTimestepFigure(losses: readonly LossAtTimestep[]): Promise<Figure> {
  const values = losses.map(({ loss }) => loss).filter((loss) => loss > 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const svg = plotSvg({
    title: "Loss by noise level",
    x: { axis: linearAxis(0, losses.at(-1)?.timestep ?? 1, 8, 1), name: "timestep t" },
    y: { axis: logAxis(low / 1.2, high * 1.2), name: "mean squared error of the noise (log scale)" },
    series: [
      {
        name: "loss",
        colour: ACCENT,
        dots: true,
        points: losses.map(({ timestep, loss }) => ({ x: timestep, y: loss })),
      },
    ],
  });
  return await figure(svg);
}
