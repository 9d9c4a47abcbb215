/** Pictures as PNG and SVG files. */

import type { Schedule } from "@onnx-diffusion/diffusion";
import type { Dataset } from "../data/dataset.js";
import type { LossAtTimestep } from "../evaluation/loss-by-timestep.js";
import type { ProfileRow } from "../profile/events.js";
import { linearAxis, logAxis } from "./axis.js";
import { type Comparison, layOutComparison } from "./comparison.js";
import { confusionSvg } from "./confusion.js";
import { type CurveOptions, type CurvePoint, curveSvg } from "./curve.js";
import { type Block, type GridOptions, layOutGrid } from "./grid.js";
import type { Images } from "./images.js";
import { plotSvg } from "./plot.js";
import { encodePicture, encodeSvg, pictureSvg } from "./png.js";
import { layOutPreview } from "./preview.js";
import { profileSvg } from "./profile.js";
import { ACCENT, MUTED } from "./theme.js";

export type { Block, Comparison, CurveOptions, CurvePoint, GridOptions, Images };

/** Images in rows and columns as a PNG file. */
export async function gridPng(images: Images, options: GridOptions = {}): Promise<Uint8Array> {
  return await encodePicture(layOutGrid([{ images }], options));
}

/** Generated images above real ones as a PNG file. */
export async function comparisonFigure(comparison: Comparison): Promise<Uint8Array> {
  return await encodePicture(layOutComparison(comparison));
}

/** Images of each class of a data set as a PNG file. */
export async function previewPng(dataset: Dataset, name: string): Promise<Uint8Array> {
  return await encodePicture(layOutPreview(dataset, name));
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

/** Rows of images with headings, as both kinds of file. */
export async function gridFigure(blocks: readonly Block[], options: GridOptions): Promise<Figure> {
  const picture = layOutGrid(blocks, options);
  return { svg: await pictureSvg(picture), png: await encodePicture(picture) };
}

/** The tables of a schedule over the timesteps 0..T, each figure by its file's name. */
export async function scheduleFigures({ T, float64 }: Schedule): Promise<Record<string, Figure>> {
  const { alphaBar, beta, sqrtAlphaBar, sqrtOneMinusAlphaBar } = float64;
  const over = (values: ArrayLike<number>) => Array.from(values, (y, x) => ({ x, y }));
  const x = { axis: linearAxis(0, T, 8, 1), name: "timestep t" };
  const snr = alphaBar.map((a) => a / (1 - a));
  const highest = Math.max(...beta);
  return {
    "schedule-beta": await figure(
      plotSvg({
        title: "Noise added at each step",
        x,
        y: { axis: linearAxis(0, highest * 1.05, 5), name: "beta" },
        series: [{ name: "beta", colour: ACCENT, points: over(beta) }],
      }),
    ),
    "schedule-alphaBar": await figure(
      plotSvg({
        title: "Image and noise in x at t",
        x,
        y: { axis: linearAxis(0, 1.02, 5), name: "factor" },
        series: [
          { name: "alphaBar", colour: MUTED, points: over(alphaBar) },
          { name: "image: √alphaBar", colour: ACCENT, points: over(sqrtAlphaBar) },
          { name: "noise: √(1 − alphaBar)", colour: NOISE, points: over(sqrtOneMinusAlphaBar) },
        ],
      }),
    ),
    "schedule-snr": await figure(
      plotSvg({
        title: "Signal to noise",
        x,
        y: {
          axis: logAxis(Math.min(...snr) / 1.3, Math.max(...snr) * 1.3),
          name: "alphaBar / (1 − alphaBar) (log scale)",
        },
        series: [{ name: "SNR", colour: ACCENT, points: over(snr) }],
      }),
    ),
  };
}

const NOISE = "#c2410c";

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

/** Where a step's time goes. */
export async function profileFigure(rows: readonly ProfileRow[], title: string): Promise<Figure> {
  return await figure(profileSvg(rows, title));
}
