/** The loss curve as an SVG that needs no fonts: what each step lost, faint, and the smoothed loss, strong. */

import { type Axis, linearAxis, logAxis } from "./axis.js";
import { FRAME, LABEL, PLOT, placeIn, plotFrame } from "./frame.js";
import { linePath, type Point } from "./line.js";
import { textSvg } from "./text.js";
import { ACCENT, ACCENT_PALE, MUTED, withCommas } from "./theme.js";

/** One step of a run. Points are in the order of their steps; a loss that is not finite leaves a gap. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly smoothed: number;
}

export interface CurveOptions {
  readonly title?: string;
  /** `auto` takes a logarithmic axis where most of the losses would lie at the foot of a linear one. */
  readonly scale?: "auto" | "linear" | "log";
}

/** So many steps stand apart, and their line is drawn a little stronger. */
const FEW = 300;

/** The loss curve of a run, 960x540 units. */
export function curveSvg(points: readonly CurvePoint[], options: CurveOptions = {}): string {
  const { title = "Training loss", scale = "auto" } = options;
  const losses = points.map((point) => point.loss).filter(Number.isFinite);
  const x = stepAxis(points);
  const y = lossAxis(losses, scale);
  const place = placeIn(x, y);
  const raw = linePath(points.map(({ step, loss }) => place(step, loss)));
  const smoothed = linePath(points.map((point) => place(point.step, point.smoothed)));
  const last = points.findLast((point) => Number.isFinite(point.smoothed));
  const line = 'fill="none" stroke-linejoin="round" stroke-linecap="round"';
  const inside = [
    `<path d="${raw}" ${line} stroke="${ACCENT_PALE}" stroke-width="${points.length < FEW ? 2 : 1.1}"/>`,
    `<path d="${smoothed}" ${line} stroke="${ACCENT}" stroke-width="2.4"/>`,
  ];
  const over = [
    last ? endLabel(place(last.step, last.smoothed), last.smoothed) : "",
    above(losses, y),
    losses.length === 0 ? emptyNote() : "",
  ];
  const keys = [
    { name: "each step", colour: ACCENT_PALE },
    { name: "smoothed", colour: ACCENT },
  ];
  const measure = y.kind === "log" ? "loss (log scale)" : "loss";
  return plotFrame({
    title,
    keys,
    x: { axis: x, name: "step" },
    y: { axis: y, name: measure },
    inside,
    over,
  });
}

function stepAxis(points: readonly CurvePoint[]): Axis {
  const first = points[0]?.step ?? 0;
  const last = Math.max(points.at(-1)?.step ?? 1, 1);
  // From 0, unless the run shows only its later part.
  const low = first > last / 4 && first < last ? first : 0;
  return linearAxis(low, last, 7, 1);
}

/**
 * The axis that shows the body of the losses. A few far outside it, such as the first ones of a bad start, leave the
 * frame instead of pressing all others flat.
 */
function lossAxis(losses: readonly number[], scale: "auto" | "linear" | "log"): Axis {
  const sorted = Float64Array.from(losses).sort();
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
  const [least, q02, median, q98, q995, most] = [0, 0.02, 0.5, 0.98, 0.995, 1].map(quantile) as Six;
  const positive = least > 0;
  const wide = q995 > 4 * median || q98 > 10 * q02;
  if (positive && (scale === "log" || (scale === "auto" && wide))) {
    const low = least < q02 / 50 ? q02 / 2 : least;
    const high = most > q98 * 50 ? q98 * 4 : most;
    const room = Math.max(high / low, 1.5) ** 0.05;
    return logAxis(low / room, high * room);
  }
  if (losses.length === 0) return linearAxis(0, 1, 5);
  const high = most > q98 * 2 && q98 > 0 ? q98 * 1.25 : most;
  const low = positive && least > 0.5 * high ? least : Math.min(0, least);
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1;
  return linearAxis(low === 0 ? 0 : low - room, high + room, 5);
}

type Six = [number, number, number, number, number, number];

/** Where the smoothed loss stands now. */
function endLabel({ x, y }: Point, value: number): string {
  const within = Math.min(Math.max(y, FRAME.top), FRAME.top + PLOT.height);
  const dot = y === within ? `<circle cx="${x}" cy="${y}" r="4.2" fill="${ACCENT}"/>` : "";
  const label = { x: x + 13, y: within + 17 * 0.35, size: 17, colour: ACCENT, weight: "bold" } as const;
  return dot + textSvg(shortNumber(value), label);
}

/** Says how far the losses go that lie above the frame. */
function above(losses: readonly number[], y: Axis): string {
  const highest = losses.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!(highest > y.high)) return "";
  return textSvg(`↑ up to ${shortNumber(highest)}`, {
    x: FRAME.left + PLOT.width,
    y: FRAME.top - 18,
    size: LABEL,
    colour: MUTED,
    anchor: "end",
  });
}

function emptyNote(): string {
  const centre = { x: FRAME.left + PLOT.width / 2, y: FRAME.top + PLOT.height / 2 };
  return textSvg("no losses yet", { ...centre, size: 20, colour: MUTED, anchor: "middle" });
}

/** Three significant digits. */
function shortNumber(value: number): string {
  if (value < 0) return `−${shortNumber(-value)}`;
  if (value !== 0 && (value < 1e-4 || value >= 1e6)) {
    return value.toExponential(1).replace("e+", "e").replace("-", "−");
  }
  return value >= 100 ? withCommas(Math.round(value)) : value.toPrecision(3);
}
