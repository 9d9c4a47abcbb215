/** Model -> boxes, wires and frames, before anything has a place. */

import { bodiesOf } from "../analysis/order.js";
import { type Shape, symbolsOf } from "../dim.js";
import type { DType } from "../dtype.js";
import { inOrder } from "../import-order.js";
import type { Model, ModelGraph, ModelNode, ModelValue } from "../model.js";
import { piecesOf, scopesOf } from "./scopes.js";

export interface Box {
  readonly id: string;
  readonly kind: "value" | "node" | "scope";
  readonly title: string;
  /** Further lines, smaller. */
  readonly lines: readonly string[];
  /** The frame that it lies in. */
  readonly frame?: string;
  /** What a pointer that rests on it shows. */
  readonly hint: string;
}

export interface Frame {
  readonly id: string;
  readonly title: string;
  readonly frame?: string;
}

export interface Diagram {
  readonly boxes: readonly Box[];
  readonly frames: readonly Frame[];
  readonly wires: readonly (readonly [from: string, to: string])[];
}

/** Element type and shape of a value, where they are known. */
export type TypeOf = (node: ModelNode, output: number) => { dtype: DType; shape: Shape } | undefined;

/** With more nodes than these, scopes become boxes, as finely as the limit allows. */
const MOST_BOXES = 150;
/** More inputs or outputs than these stand in one box, but for those that have a named size. */
const MOST_VALUES = 12;

export function diagramOf(model: Model, typeOf: TypeOf): Diagram {
  const builder = new Builder(typeOf);
  builder.main(model.graph);
  return builder.diagram();
}

class Builder {
  private readonly boxes: Box[] = [];
  private readonly frames = new Map<string, Frame>();
  private readonly wires = new Map<string, readonly [string, string]>();
  private next = 1;

  constructor(private readonly typeOf: TypeOf) {}

  diagram(): Diagram {
    return { boxes: this.boxes, frames: [...this.frames.values()], wires: [...this.wires.values()] };
  }

  main(graph: ModelGraph): void {
    const stored = new Set(graph.initializers.map(({ name }) => name));
    const inputs = graph.inputs.filter(({ name }) => !stored.has(name));
    const makers = new Map<string, string>();
    const { single, rest } = divide(inputs);
    for (const value of single) makers.set(value.name, this.value(value));
    if (rest.length > 0) this.summary(`${rest.length} inputs`, rest, undefined);
    this.graph(graph, makers, undefined, "");
    const results = divide(graph.outputs);
    for (const value of results.single) this.wire(makers.get(value.name), this.value(value));
    if (results.rest.length > 0) {
      const all = this.summary(`${results.rest.length} outputs`, results.rest, undefined);
      for (const { name } of results.rest) this.wire(makers.get(name), all);
    }
  }

  /** @param makers - value -> the box that it comes from; those of this graph are added. */
  private graph(
    graph: ModelGraph,
    makers: Map<string, string>,
    frame: string | undefined,
    prefix: string,
  ): void {
    const nodes = inOrder(graph);
    const weights = new Map(graph.initializers.map((i) => [i.name, i]));
    const scopes = scopesOf(nodes, new Set(graph.inputs.map(({ name }) => name)));
    const pieces = nodes.length > MOST_BOXES ? piecesOf(nodes, scopes, MOST_BOXES) : undefined;
    const boxOf = new Map<ModelNode, string>();
    if (pieces) {
      for (const { title, members } of pieces) {
        if (members.some((node) => bodiesOf(node).length > 0)) continue;
        const id = this.scope(title, members, frame);
        for (const node of members) boxOf.set(node, id);
      }
    }
    for (const node of nodes) {
      const [scope] = scopes.get(node) ?? [];
      const within = pieces || scope === undefined ? frame : this.frame(`${prefix}${scope}`, scope, frame);
      const id = boxOf.get(node);
      const bodies = bodiesOf(node);
      if (bodies.length > 0) this.nested(node, bodies, makers, within);
      else {
        const box = id ?? this.node(node, weights, within);
        for (const name of node.inputs) this.wire(makers.get(name), box);
        for (const name of node.outputs) makers.set(name, box);
      }
    }
  }

  /** A node with graphs inside: a frame with what enters it, the graphs, and what leaves it. */
  private nested(
    node: ModelNode,
    bodies: readonly ModelGraph[],
    makers: Map<string, string>,
    frame: string | undefined,
  ): void {
    const own = this.frame(`body ${this.next++}`, node.name || node.opType, frame);
    const values = bodies[0]!.inputs;
    const entry = this.summary(`${node.opType}: ${node.inputs.length} values in`, values, own);
    for (const name of node.inputs) this.wire(makers.get(name), entry);
    const exit = `box ${this.next++}`;
    for (const [i, body] of bodies.entries()) {
      const inner = bodies.length === 1 ? own : this.frame(`${own} ${i}`, body.name || `graph ${i + 1}`, own);
      const visible = new Map(makers);
      const { single } = divide(body.inputs);
      for (const { name } of body.inputs) visible.delete(name);
      for (const { name } of single) visible.set(name, entry);
      this.graph(body, visible, inner, `${own} ${i} `);
      for (const { name } of body.outputs) this.wire(visible.get(name), exit);
    }
    this.summary(`${node.outputs.length} values out`, bodies[0]!.outputs, own, exit);
    for (const name of node.outputs) makers.set(name, exit);
  }

  private add(box: Omit<Box, "id" | "frame">, frame: string | undefined, id = `box ${this.next++}`): string {
    this.boxes.push({ ...box, id, ...(frame === undefined ? {} : { frame }) });
    return id;
  }

  private value(value: ModelValue): string {
    return this.add(
      { kind: "value", title: value.name, lines: [describe(value)], hint: value.name },
      undefined,
    );
  }

  private summary(
    title: string,
    values: readonly ModelValue[],
    frame: string | undefined,
    id?: string,
  ): string {
    const hint = values.map((value) => `${value.name}: ${describe(value)}`).join("\n");
    return this.add({ kind: "value", title, lines: [], hint }, frame, id);
  }

  private node(
    node: ModelNode,
    weights: ReadonlyMap<string, { readonly shape: Shape }>,
    frame: string | undefined,
  ): string {
    const type = this.typeOf(node, 0);
    const largest = node.inputs
      .flatMap((name) => weights.get(name) ?? [])
      .filter(({ shape }) => shape.length > 1)
      .sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape))[0];
    const lines = [
      ...(type ? [describe(type)] : []),
      ...(largest ? [`weight ${largest.shape.join("×")}`] : []),
    ];
    return this.add(
      { kind: "node", title: node.opType, lines, hint: node.name || node.outputs[0] || "" },
      frame,
    );
  }

  private scope(title: string, members: readonly ModelNode[], frame: string | undefined): string {
    const counts = new Map<string, number>();
    for (const { opType } of members) counts.set(opType, (counts.get(opType) ?? 0) + 1);
    const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const shown = frequent.slice(0, 3).map(([op, count]) => (count > 1 ? `${count} ${op}` : op));
    const type = this.typeOf(members[members.length - 1]!, 0);
    const lines = [
      `${shown.join(", ")}${frequent.length > 3 ? " …" : ""}`,
      ...(type ? [describe(type)] : []),
    ];
    const hint = frequent.map(([op, count]) => `${count} ${op}`).join("\n");
    return this.add({ kind: "scope", title, lines, hint }, frame);
  }

  private frame(id: string, title: string, frame: string | undefined): string {
    if (!this.frames.has(id)) this.frames.set(id, { id, title, ...(frame === undefined ? {} : { frame }) });
    return id;
  }

  private wire(from: string | undefined, to: string): void {
    if (from !== undefined && from !== to) this.wires.set(`${from}>${to}`, [from, to]);
  }
}

/** Values that are drawn singly, and those that would be too many: weights and state, of known sizes. */
function divide(values: readonly ModelValue[]): {
  single: readonly ModelValue[];
  rest: readonly ModelValue[];
} {
  if (values.length <= MOST_VALUES) return { single: values, rest: [] };
  const open = values.filter(({ shape }) => shape.some((dim) => symbolsOf(dim).length > 0));
  const single = new Set(open.slice(0, MOST_VALUES));
  return { single: [...single], rest: values.filter((value) => !single.has(value)) };
}

const sizeOf = (shape: Shape): number => shape.reduce<number>((a, dim) => a * (Number(dim) || 1), 1);

/** "batch×3×32×32"; the element type where it is not the usual one. */
function describe({ dtype, shape }: { dtype: DType; shape: Shape }): string {
  const sizes = shape.length === 0 ? "scalar" : shape.join("×");
  return dtype === "float32" ? sizes : `${dtype} ${sizes}`;
}
