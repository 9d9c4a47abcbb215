/** Lines over an axis as an SVG that needs no fonts. */

import type { Axis } from "./axis.js";
import { type Key, placeIn, plotFrame } from "./frame.js";
import { linePath, type Point } from "./line.js";

interface Series extends Key {
  /** In the order of x; a value that is not finite leaves a gap. */
  readonly points: readonly Point[];
  /** Also a dot at each point. */
  readonly dots?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly x: { readonly axis: Axis; readonly name: string };
  readonly y: { readonly axis: Axis; readonly name: string };
  readonly series: readonly Series[];
}

export function plotSvg({ title, x, y, series }: Plot): string {
  const place = placeIn(x.axis, y.axis);
  const inside = series.map(({ colour, points, dots }) => {
    const placed = points.map((point) => place(point.x, point.y));
    const line = `<path d="${linePath(placed)}" fill="none" stroke="${colour}" stroke-width="2.4" stroke-linejoin="round" stroke-linecap="round"/>`;
    if (!dots) return line;
    return (
      line +
      placed
        .map((p) => `<circle cx="${p.x.toFixed(1)}" cy="${p.y.toFixed(1)}" r="3.6" fill="${colour}"/>`)
        .join("")
    );
  });
  // One line needs no key: the axis names it.
  return plotFrame({ title, keys: series.length > 1 ? series : [], x, y, inside });
}
