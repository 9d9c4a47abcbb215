/** A confusion matrix as an SVG: rows are the classes asked for, columns what the judge saw. */

import { textSvg, textWidth } from "./text.js";
import { ACCENT, BACKGROUND, INK, MUTED, RULE, TEXT } from "./theme.js";

const CELL = 58;
const GAP = 3;
const MARGIN = 40;
const TITLE = 25;
const LABEL = 17;
const COUNT = 17;
const TOP = MARGIN + 112;

/** counts[asked][seen], classes by name. */
export function confusionSvg(counts: readonly (readonly number[])[], names: readonly string[]): string {
  const n = counts.length;
  const widest = Math.max(...names.map((name) => textWidth(name, LABEL)));
  const left = MARGIN + 40 + Math.ceil(widest) + 16;
  const side = n * (CELL + GAP) - GAP;
  const right = 96;
  const width = left + side + right + MARGIN;
  // Names stand upright over their columns where they are too wide for them.
  const upright = widest > CELL;
  const top = upright ? TOP + Math.ceil(widest) - LABEL : TOP;
  const height = top + side + MARGIN;
  const place = (i: number) => i * (CELL + GAP);
  const parts = [
    `<rect width="${width}" height="${height}" fill="${BACKGROUND}"/>`,
    textSvg("Asked for, and seen by the judge", {
      x: left,
      y: MARGIN + TITLE * 0.7,
      size: TITLE,
      colour: INK,
      weight: "bold",
    }),
    caption("asked for", { x: MARGIN + LABEL * 0.7, y: top + side / 2, rotate: -90 }),
    caption("seen", { x: left + side / 2, y: MARGIN + 62, rotate: 0 }),
    caption("right", { x: left + side + right / 2 + 8, y: top - 18, rotate: 0 }),
  ];
  counts.forEach((row, asked) => {
    const total = row.reduce((a, b) => a + b, 0);
    const y = top + place(asked);
    const baseline = y + CELL / 2 + LABEL * 0.35;
    parts.push(
      textSvg(names[asked]!, { x: left - 16, y: baseline, size: LABEL, colour: TEXT, anchor: "end" }),
      columnName(names[asked]!, left + place(asked) + CELL / 2, top - 18, upright),
      textSvg(total > 0 ? `${((100 * row[asked]!) / total).toFixed(0)} %` : "–", {
        x: left + side + right / 2 + 8,
        y: baseline,
        size: LABEL,
        colour: INK,
        anchor: "middle",
        weight: "bold",
      }),
    );
    row.forEach((count, seen) => {
      parts.push(cell(count, total, asked === seen, left + place(seen), y));
    });
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img"><title>Confusion matrix</title>${parts.join("")}</svg>\n`
  );
}

/** Wrong answers are in red, right ones in blue, each the stronger the more of its row it is. */
const WRONG = "#c2410c";

function cell(count: number, total: number, right: boolean, x: number, y: number): string {
  const share = total > 0 ? count / total : 0;
  const background = `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL}" rx="4" fill="${RULE}" fill-opacity="0.55"/>`;
  if (count === 0) return background;
  // The root lets a few mistakes among a hundred be seen.
  const strength = right ? 0.1 + 0.9 * share : 0.12 + 0.88 * Math.sqrt(share);
  const colour = right ? ACCENT : WRONG;
  return (
    background +
    `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL}" rx="4" fill="${colour}" fill-opacity="${strength.toFixed(3)}"/>` +
    textSvg(String(count), {
      x: x + CELL / 2,
      y: y + CELL / 2 + COUNT * 0.35,
      size: count > 9999 ? COUNT * 0.75 : COUNT,
      colour: strength > 0.5 ? BACKGROUND : INK,
      anchor: "middle",
    })
  );
}

function columnName(name: string, x: number, y: number, upright: boolean): string {
  const at = upright ? { x: x + LABEL * 0.35, y, rotate: -90 } : { x, y, anchor: "middle" as const };
  return textSvg(name, { ...at, size: LABEL, colour: TEXT });
}

function caption(text: string, at: { x: number; y: number; rotate: number }): string {
  return textSvg(text, { ...at, size: 15.5, colour: MUTED, anchor: "middle" });
}
