/** Where a training step's time goes, as an SVG: a bar for each operator, and below them the longest nodes. */

import { byOperator, type ProfileRow, shapeText } from "../profile/events.js";
import { rateText } from "../profile/table.js";
import { textSvg, textWidth } from "./text.js";
import { ACCENT, ACCENT_PALE, BACKGROUND, INK, MUTED, RULE, TEXT } from "./theme.js";

const WIDTH = 1120;
const MARGIN = 48;
const ROW = 26;
const LABEL = 15;
const BAR = { left: 560, width: 270, height: 14 };
const RIGHT = { milliseconds: 915, share: 985, rate: WIDTH - MARGIN };
/** Bars shorter than this share are summed up. */
const LEAST = 0.005;
const NODES = 16;

interface Bar {
  readonly label: string;
  readonly detail: string;
  readonly milliseconds: number;
  readonly gflop: number | undefined;
}

export function profileSvg(rows: readonly ProfileRow[], title: string): string {
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const large = <Row extends { milliseconds: number }>(list: readonly Row[]): Row[] =>
    list.filter(({ milliseconds }) => milliseconds >= LEAST * total);
  const operators = byOperator(rows);
  const shown = large(operators);
  const small = operators.slice(shown.length);
  const first: Bar[] = shown.map((row) => ({
    ...{ label: row.operator, detail: `${Math.round(row.count)} nodes` },
    ...{ milliseconds: row.milliseconds, gflop: row.gflop },
  }));
  if (small.length > 0) {
    const milliseconds = small.reduce((sum, row) => sum + row.milliseconds, 0);
    first.push({ label: `${small.length} others`, detail: "", milliseconds, gflop: undefined });
  }
  const second: Bar[] = rows.slice(0, NODES).map((row) => ({
    ...{ label: row.operator, detail: fitting(shapeText(row), 360) },
    ...{ milliseconds: row.milliseconds, gflop: row.gflop },
  }));
  let y = MARGIN + 22;
  const parts = [textSvg(title, { x: MARGIN, y, size: 25, colour: INK, weight: "bold" })];
  for (const [heading, bars] of [
    ["By operator", first],
    ["The longest nodes", second],
  ] as const) {
    y += 52;
    parts.push(header(heading, y));
    const longest = bars.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
    for (const bar of bars) {
      y += ROW;
      parts.push(row(bar, y, longest, total));
    }
  }
  const height = y + MARGIN;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    `role="img"><title>Profile of a training step</title><rect width="${WIDTH}" height="${height}" fill="${BACKGROUND}"/>${parts.join("")}</svg>\n`
  );
}

function header(heading: string, y: number): string {
  const end = { y, size: 13.5, colour: MUTED, anchor: "end" } as const;
  return (
    textSvg(heading, { x: MARGIN, y, size: 17, colour: INK, weight: "bold" }) +
    textSvg("ms", { ...end, x: RIGHT.milliseconds }) +
    textSvg("share", { ...end, x: RIGHT.share }) +
    textSvg("GFLOP/s", { ...end, x: RIGHT.rate }) +
    `<path d="M${MARGIN} ${y + 8.5}H${WIDTH - MARGIN}" stroke="${RULE}"/>`
  );
}

function row({ label, detail, milliseconds, gflop }: Bar, y: number, longest: number, total: number): string {
  const at = { y, size: LABEL };
  const end = { ...at, anchor: "end" } as const;
  const length = Math.max(1.5, (milliseconds / longest) * BAR.width);
  // Arithmetic is strong, moving elements is pale.
  const colour = gflop === undefined ? ACCENT_PALE : ACCENT;
  return (
    textSvg(label, { ...at, x: MARGIN, colour: TEXT }) +
    textSvg(detail, { ...at, x: MARGIN + 130, colour: MUTED }) +
    `<rect x="${BAR.left}" y="${y - BAR.height + 2}" width="${length.toFixed(1)}" height="${BAR.height}" rx="2" fill="${colour}"/>` +
    textSvg(milliseconds.toFixed(2), { ...end, x: RIGHT.milliseconds, colour: INK }) +
    textSvg(`${((100 * milliseconds) / total).toFixed(1)} %`, { ...end, x: RIGHT.share, colour: TEXT }) +
    textSvg(rateText({ gflop, milliseconds }), { ...end, x: RIGHT.rate, colour: TEXT })
  );
}

/** The text, or as much of its beginning as there is room for. */
function fitting(text: string, width: number): string {
  if (textWidth(text, LABEL) <= width) return text;
  let short = text;
  while (short.length > 0 && textWidth(`${short}…`, LABEL) > width) short = short.slice(0, -1);
  return `${short}…`;
}
