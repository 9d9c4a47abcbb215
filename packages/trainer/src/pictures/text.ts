/** Lines of text as SVG paths, from the embedded alphabet of glyphs.ts. */

import { BEARING, GLYPHS, SPACE_WIDTH, UNKNOWN_GLYPH } from "./glyphs.js";

export interface TextOptions {
  /** The anchor on the baseline, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Type size in pixels; capitals are 0.7 of it high. */
  readonly size: number;
  readonly colour: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: Weight;
  /** Degrees clockwise about the anchor. */
  readonly rotate?: number;
}

export type Weight = "regular" | "bold";

/** Stroke width, and what a letter is spaced wider for it, in hundredths of the type size. */
const WEIGHTS: Readonly<Record<Weight, { readonly stroke: number; readonly tracking: number }>> = {
  regular: { stroke: 8, tracking: 0 },
  bold: { stroke: 11.5, tracking: 3 },
};

/** The width of a line of text in pixels, its side bearings left out. */
export function textWidth(text: string, size: number, weight: Weight = "regular"): number {
  return (layOut(text, weight).width * size) / 100;
}

/** One line of text as an SVG group. A line break in it counts as a space. */
export function textSvg(text: string, options: TextOptions): string {
  const { x, y, size, colour, anchor = "start", weight = "regular", rotate = 0 } = options;
  const { glyphs, width } = layOut(text, weight);
  const scale = size / 100;
  const half = WEIGHTS[weight].stroke / 2;
  // Glyphs are measured along the middle of their strokes; the ink keeps to the anchor.
  const shift = { start: half, middle: -width / 2, end: -width - half }[anchor];
  const d = glyphs.map((glyph) => glyphPath(glyph.strokes, glyph.x + shift)).join("");
  const turn = rotate === 0 ? "" : ` rotate(${rotate})`;
  return (
    `<path transform="translate(${round(x)} ${round(y)})${turn} scale(${round(scale)})" d="${d}" ` +
    `fill="none" stroke="${colour}" stroke-width="${WEIGHTS[weight].stroke}" stroke-linecap="round" stroke-linejoin="round"/>`
  );
}

/** Small letters go under the arms of T, Y, V, W and F. */
const KERN = 7;

function isKerned(before: string, character: string): boolean {
  return /[TYVWF]/u.test(before) && /[acegopqrsu.,]/u.test(character);
}

interface PlacedGlyph {
  readonly x: number;
  readonly strokes: readonly string[];
}

/** Glyphs side by side, in hundredths of the type size. */
function layOut(text: string, weight: Weight): { glyphs: PlacedGlyph[]; width: number } {
  const glyphs: PlacedGlyph[] = [];
  const bearing = BEARING + WEIGHTS[weight].tracking / 2;
  let x = 0;
  let before = "";
  for (const character of text.normalize("NFC")) {
    if (isKerned(before, character)) x -= KERN;
    before = character;
    if (/\s/u.test(character)) {
      x += SPACE_WIDTH;
      continue;
    }
    const [width, ...strokes] = glyphOf(character);
    glyphs.push({ x: x + bearing, strokes });
    x += width + 2 * bearing;
  }
  // The first and the last bearing are no part of the line: letters stand on the margin, not beside it.
  return { glyphs: glyphs.map((g) => ({ ...g, x: g.x - bearing })), width: Math.max(0, x - 2 * bearing) };
}

function glyphOf(character: string): readonly [number, ...string[]] {
  // An accented letter that is not drawn is shown without its accent.
  return GLYPHS[character] ?? GLYPHS[character.normalize("NFD")[0]!] ?? UNKNOWN_GLYPH;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

/** The path data of a glyph's strokes, moved right by `x`, with y pointing down as in SVG. */
function glyphPath(strokes: readonly string[], x: number): string {
  return strokes.map((stroke) => strokePath(stroke, x)).join("");
}

function strokePath(stroke: string, dx: number): string {
  const parts = stroke.split(" ");
  const closed = parts.at(-1) === "z";
  const points = (closed ? parts.slice(0, -1) : parts).map((part): Point => {
    const [x, y, r = 0] = part.split(",").map(Number) as [number, number, number?];
    return { x: x + dx, y: -y, r };
  });
  const n = points.length;
  let d = "";
  points.forEach((point, i) => {
    const command = i === 0 ? "M" : "L";
    const inner = closed || (i > 0 && i < n - 1);
    d +=
      inner && point.r > 0
        ? corner(command, points[(i + n - 1) % n]!, point, points[(i + 1) % n]!)
        : `${command}${at(point)}`;
  });
  return closed ? `${d}Z` : d;
}

/** A corner rounded by the arc of radius `point.r` that touches both its sides. */
function corner(command: string, before: Point, point: Point, after: Point): string {
  const a = direction(point, before);
  const b = direction(point, after);
  const cosine = a.x * b.x + a.y * b.y;
  // The distance from the corner to where the arc begins: r / tan(angle / 2).
  const length = point.r * Math.sqrt((1 + cosine) / (1 - cosine));
  const start = { x: point.x + a.x * length, y: point.y + a.y * length };
  const end = { x: point.x + b.x * length, y: point.y + b.y * length };
  const sweep = a.x * b.y - a.y * b.x < 0 ? 1 : 0;
  return `${command}${at(start)}A${point.r} ${point.r} 0 0 ${sweep} ${at(end)}`;
}

function direction(from: { x: number; y: number }, to: { x: number; y: number }): { x: number; y: number } {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}

function at({ x, y }: { x: number; y: number }): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
