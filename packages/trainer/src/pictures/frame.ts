/** What every plot has around its lines: title, keys, axes with their ticks and rules. 960x540 units. */

import type { Axis } from "./axis.js";
import type { Point } from "./line.js";
import { textSvg, textWidth } from "./text.js";
import { AXIS, BACKGROUND, INK, MUTED, RULE, TEXT } from "./theme.js";

const SIZE = { width: 960, height: 540 };
export const FRAME = { left: 92, right: 100, top: 118, bottom: 74 };
export const PLOT = {
  width: SIZE.width - FRAME.left - FRAME.right,
  height: SIZE.height - FRAME.top - FRAME.bottom,
};
export const LABEL = 15.5;

export interface Key {
  readonly name: string;
  readonly colour: string;
}

export interface PlotFrame {
  readonly title: string;
  /** What the lines are, from left to right; at the right of the title. */
  readonly keys: readonly Key[];
  readonly x: { readonly axis: Axis; readonly name: string };
  readonly y: { readonly axis: Axis; readonly name: string };
  /** SVG that is cut at the frame, such as the lines. */
  readonly inside: readonly string[];
  /** SVG over everything. */
  readonly over?: readonly string[];
}

/** Where a value lies in the picture. */
export const placeIn =
  (x: Axis, y: Axis) =>
  (across: number, up: number): Point => ({
    x: FRAME.left + x.position(across) * PLOT.width,
    y: FRAME.top + (1 - y.position(up)) * PLOT.height,
  });

/** The whole SVG. */
export function plotFrame({ title, keys, x, y, inside, over = [] }: PlotFrame): string {
  const parts = [
    `<title>${escapeXml(title)}</title>`,
    '<defs><clipPath id="plot">',
    `<rect x="${FRAME.left}" y="${FRAME.top}" width="${PLOT.width + 8}" height="${PLOT.height}"/>`,
    "</clipPath></defs>",
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="${BACKGROUND}"/>`,
    header(title, keys),
    grid(x, y),
    '<g clip-path="url(#plot)">',
    ...inside,
    "</g>",
    ...over,
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${SIZE.height}" ` +
    `viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img">${parts.join("")}</svg>\n`
  );
}

/** The title, and what the lines are. */
function header(title: string, keys: readonly Key[]): string {
  const y = 56;
  let x = SIZE.width - FRAME.right;
  let out = "";
  for (const { name, colour } of [...keys].reverse()) {
    out += textSvg(name, { x, y, size: LABEL, colour: TEXT, anchor: "end" });
    x -= textWidth(name, LABEL) + 10;
    out += `<path d="M${x - 24} ${y - LABEL * 0.25}H${x}" stroke="${colour}" stroke-width="2.6" stroke-linecap="round"/>`;
    x -= 24 + 26;
  }
  return textSvg(title, { x: FRAME.left, y, size: 25, colour: INK, weight: "bold" }) + out;
}

/** Rules, ticks and what the axes measure. */
function grid(x: PlotFrame["x"], y: PlotFrame["y"]): string {
  const bottom = FRAME.top + PLOT.height;
  let out = "";
  for (const { value, label } of y.axis.ticks) {
    const at = Math.round(FRAME.top + (1 - y.axis.position(value)) * PLOT.height) + 0.5;
    if (at < bottom - 1)
      out += `<path d="M${FRAME.left} ${at}H${FRAME.left + PLOT.width}" stroke="${RULE}"/>`;
    out += textSvg(label, {
      x: FRAME.left - 14,
      y: at + LABEL * 0.35,
      size: LABEL,
      colour: MUTED,
      anchor: "end",
    });
  }
  for (const { value, label } of x.axis.ticks) {
    const at = Math.round(FRAME.left + x.axis.position(value) * PLOT.width) + 0.5;
    out += `<path d="M${at} ${bottom}v6" stroke="${AXIS}"/>`;
    out += textSvg(label, { x: at, y: bottom + 26, size: LABEL, colour: MUTED, anchor: "middle" });
  }
  out += `<path d="M${FRAME.left} ${bottom + 0.5}H${FRAME.left + PLOT.width}" stroke="${AXIS}"/>`;
  out += textSvg(y.name, { x: FRAME.left, y: FRAME.top - 18, size: LABEL, colour: TEXT });
  const middle = { x: FRAME.left + PLOT.width / 2, y: bottom + 54 };
  return out + textSvg(x.name, { ...middle, size: LABEL, colour: TEXT, anchor: "middle" });
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
