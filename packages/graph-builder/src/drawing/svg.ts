/** A drawing as SVG text, for light and dark pages. */

import type { Box } from "./diagram.js";
import { type Area, type Drawing, LINE_SIZE, type Point, TITLE_SIZE } from "./layout.js";

const LINE_HEIGHT = 15;

/** Plain rules, without variables, which some viewers of SVG do not know. */
const STYLE = `
text { font: ${TITLE_SIZE}px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1b2430 }
.page { fill: #ffffff }
.line { font-size: ${LINE_SIZE}px; fill: #5b6878 }
.node { fill: #ffffff; stroke: #b4bfcc }
.scope { fill: #ffffff; stroke: #7c8ca0 }
.value { fill: #e3eefc; stroke: #7fa8da }
.title { font-weight: 600; text-anchor: middle }
.line { text-anchor: middle }
.frame { fill: #f2f5f8; stroke: #dfe5ec }
.frame.odd { fill: #e9eef3 }
.label { font-size: 12px; font-weight: 600; fill: #66758a; stroke: #f2f5f8; stroke-width: 5px; stroke-linejoin: round; paint-order: stroke }
.label.odd { stroke: #e9eef3 }
.wire { fill: none; stroke: #8391a2; stroke-width: 1.2 }
.tip { fill: #8391a2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e9f0 }
  .page { fill: #12161c }
  .line { fill: #9aa7b6 }
  .node { fill: #1f262f; stroke: #465364 }
  .scope { fill: #1f262f; stroke: #6d7f95 }
  .value { fill: #1b3352; stroke: #4a7ab5 }
  .frame { fill: #181d24; stroke: #28303a }
  .frame.odd { fill: #1c232b }
  .label { fill: #8a99ad; stroke: #181d24 }
  .label.odd { stroke: #1c232b }
  .wire { stroke: #6b7a8c }
  .tip { fill: #6b7a8c }
}
`;

/** @param title - what the picture shows, for those who hear it. */
export function toSvg({ width, height, boxes, frames, wires }: Drawing, title: string): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${w}" height="${h}"/>`,
    ...frames.map((area) => rect(area, `frame${odd(area.depth)}`, 10)),
    ...wires.map((points) => `<path class="wire" d="${path(points)}"/>${tip(points)}`),
    // Over the wires, each in a halo of its frame's colour.
    ...frames.map(
      ({ frame, depth, x, y }) =>
        `<text class="label${odd(depth)}" x="${round(x + 12)}" y="${round(y + 20)}">${escapeXml(frame.title)}</text>`,
    ),
    ...boxes.map(({ box, ...area }) => drawBox(box, area)),
    "</svg>",
    "",
  ].join("\n");
}

const odd = (depth: number): string => (depth % 2 === 1 ? " odd" : "");

function drawBox({ kind, title, lines, hint }: Box, area: Area): string {
  const x = round(area.x + area.width / 2);
  const text = (line: string, i: number) =>
    `<text class="line" x="${x}" y="${round(area.y + 34 + i * LINE_HEIGHT)}">${escapeXml(line)}</text>`;
  const outline = rect(area, kind, kind === "value" ? area.height / 2 : 6);
  // Several nodes in one box: a second sheet behind the first.
  const sheet = kind === "scope" ? rect({ ...area, x: area.x + 4, y: area.y + 4 }, kind, 6) : "";
  const y = round(area.y + (lines.length === 0 ? area.height / 2 + 4.5 : 19));
  return `<g><title>${escapeXml(hint)}</title>${sheet}${outline}<text class="title" x="${x}" y="${y}">${escapeXml(title)}</text>${lines.map(text).join("")}</g>`;
}

const rect = ({ x, y, width, height }: Area, style: string, radius: number): string =>
  `<rect class="${style}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${round(radius)}"/>`;

/** Straight lines with rounded corners. */
function path(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let d = `M${round(first!.x)} ${round(first!.y)}`;
  rest.forEach((point, i) => {
    const next = rest[i + 1];
    if (!next) {
      d += `L${round(point.x)} ${round(point.y)}`;
      return;
    }
    const before = towards(point, points[i]!);
    const after = towards(point, next);
    d += `L${before}Q${round(point.x)} ${round(point.y)} ${after}`;
  });
  return d;
}

/** A point a corner's radius from `from` on the way to `to`. */
function towards(from: Point, to: Point): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(6, length / 2) / length;
  return `${round(from.x + (to.x - from.x) * part)} ${round(from.y + (to.y - from.y) * part)}`;
}

/** An arrow's head, in the direction of the last line. */
function tip(points: readonly Point[]): string {
  const [from, to] = [points[points.length - 2]!, points[points.length - 1]!];
  const up = to.y < from.y ? -1 : 1;
  const corner = (dx: number, dy: number) => `${round(to.x + dx)} ${round(to.y + dy * up)}`;
  return `<path class="tip" d="M${corner(0, 0)}L${corner(-3.5, -6)}L${corner(3.5, -6)}Z"/>`;
}

const round = (value: number): string => `${Math.round(value * 10) / 10}`;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text from a file: XML knows no control characters but tab and newline. */
const escapeXml = (text: string): string =>
  text.replace(/[^\t\n\P{Cc}]|[\ud800-\udfff\ufffe\uffff]/gu, "?").replace(/[&<>"]/g, (c) => ENTITIES[c]!);
