/** Boxes and wires get their places: in layers from top to bottom, by the Eclipse Layout Kernel. */
import { createRequire } from "node:module";
import type { ELK, ElkNode } from "elkjs/lib/elk-api.js";
import type { Box, Diagram, Frame } from "./diagram.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly (Area & { readonly box: Box })[];
  /** From the outer ones to the inner ones. */
  readonly frames: readonly (Area & { readonly frame: Frame; readonly depth: number })[];
  readonly wires: readonly (readonly Point[])[];
}

export const TITLE_SIZE = 13;
export const LINE_SIZE = 11;
const LINE_HEIGHT = 15;

const OPTIONS: Readonly<Record<string, string>> = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.json.edgeCoords": "ROOT",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.nodePlacement.favorStraightEdges": "true",
  "elk.spacing.nodeNode": "24",
  "elk.spacing.edgeNode": "16",
  "elk.spacing.edgeEdge": "10",
  "elk.layered.spacing.nodeNodeBetweenLayers": "26",
  "elk.layered.spacing.edgeNodeBetweenLayers": "14",
};
/** The first way draws straighter wires; for a training graph it took 50 s where the second takes 3. */
const placement = (boxes: number): Readonly<Record<string, string>> => ({
  "elk.layered.nodePlacement.strategy": boxes <= FEW ? "NETWORK_SIMPLEX" : "BRANDES_KOEPF",
});
const FEW = 60;

const FRAME_OPTIONS = { "elk.padding": "[top=32,left=14,bottom=14,right=14]" };

/** Places everything. The same diagram gives the same places. */
export async function layOut(diagram: Diagram): Promise<Drawing> {
  const boxes = new Map(diagram.boxes.map((box) => [box.id, box]));
  const frames = new Map(diagram.frames.map((frame) => [frame.id, frame]));
  const within = (frame: string | undefined): ElkNode[] => [
    ...diagram.frames
      .filter((f) => f.frame === frame)
      .map((f): ElkNode => ({ id: f.id, layoutOptions: FRAME_OPTIONS, children: within(f.id) })),
    ...diagram.boxes.filter((b) => b.frame === frame).map((b): ElkNode => ({ id: b.id, ...sizeOf(b) })),
  ];
  const graph: ElkNode = {
    id: "root",
    layoutOptions: { ...OPTIONS, ...placement(diagram.boxes.length) },
    children: within(undefined),
    edges: diagram.wires.map(([from, to], i) => ({ id: `wire ${i}`, sources: [from], targets: [to] })),
  };
  const root: ElkNode = await engine().layout(graph);
  const placedBoxes: Drawing["boxes"][number][] = [];
  const placedFrames: Drawing["frames"][number][] = [];
  const visit = (node: ElkNode, origin: Point, depth: number) => {
    for (const child of node.children ?? []) {
      const [x, y] = [origin.x + child.x!, origin.y + child.y!];
      const area = { x, y, width: child.width!, height: child.height! };
      const frame = frames.get(child.id);
      if (frame) placedFrames.push({ ...area, frame, depth });
      else placedBoxes.push({ ...area, box: boxes.get(child.id)! });
      visit(child, { x, y }, depth + 1);
    }
  };
  visit(root, { x: 0, y: 0 }, 0);
  const wires = (root.edges ?? []).flatMap(({ sections = [] }) =>
    sections.map(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]),
  );
  return { width: root.width!, height: root.height!, boxes: placedBoxes, frames: placedFrames, wires };
}

/** ELK is a CommonJS script, whose types do not say how Node imports it. */
function engine(): ELK {
  const Engine = createRequire(import.meta.url)("elkjs/lib/elk.bundled.js") as new () => ELK;
  return new Engine();
}

function sizeOf({ title, lines }: Box): { width: number; height: number } {
  const widths = [textWidth(title, TITLE_SIZE) * 1.06, ...lines.map((line) => textWidth(line, LINE_SIZE))];
  return {
    width: Math.ceil(Math.max(48, ...widths) + 24),
    height: 14 + LINE_HEIGHT + lines.length * LINE_HEIGHT,
  };
}

/** The width of a text in a sans-serif font, on the wide side: each letter in parts of the font's size. */
function textWidth(text: string, size: number): number {
  let width = 0;
  for (const letter of text) {
    if (/[iljtfr.,:;'|!()[\] ]/.test(letter)) width += 0.36;
    else if (/[mwMW%@]/.test(letter)) width += 0.9;
    else if (/[A-Z×_]/.test(letter)) width += 0.7;
    else width += /[\u2e80-\uffff]/.test(letter) ? 1.05 : 0.58;
  }
  return width * size;
}
