/** Which nodes belong together: the layers' names, as far as nodes have them. */
import type { ModelNode } from "../model.js";

/** Nodes that are drawn as one box. */
export interface Piece {
  readonly title: string;
  readonly members: readonly ModelNode[];
}

/**
 * The scope of each node as its parts: `down1.conv/Conv` lies in down1, conv. A node without one belongs to the scope
 * that all its operands come from, like the Relu behind a layer. Gradients stand apart from what they are gradients of.
 */
export function scopesOf(
  nodes: readonly ModelNode[],
  inputs: ReadonlySet<string>,
): ReadonlyMap<ModelNode, readonly string[]> {
  const scopes = new Map<ModelNode, readonly string[]>();
  const ofValue = new Map<string, readonly string[]>();
  for (const node of nodes) {
    let scope = named(node.name);
    if (scope.length === 0) {
      const operands = node.inputs.flatMap((name) => (inputs.has(name) ? [[]] : [ofValue.get(name) ?? []]));
      const known = node.inputs.flatMap((name, i) =>
        inputs.has(name) || ofValue.has(name) ? [operands[i]!] : [],
      );
      const [first, ...others] = known;
      if (first && others.every((other) => other[0] === first[0])) scope = first.slice(0, 1);
    }
    scopes.set(node, scope);
    for (const name of node.outputs) ofValue.set(name, scope);
  }
  return scopes;
}

function named(name: string): readonly string[] {
  const parts = name
    .slice(0, Math.max(0, name.lastIndexOf("/")))
    .split(/[./]/)
    .filter(Boolean);
  const [first, ...rest] = parts;
  return first !== undefined && rest.at(-1) === "grad" ? [`${first} gradient`, ...rest.slice(0, -1)] : parts;
}

/** Pieces of as many leading parts of the scopes as give no more than `most`. */
export function piecesOf(
  nodes: readonly ModelNode[],
  scopes: ReadonlyMap<ModelNode, readonly string[]>,
  most: number,
): readonly Piece[] {
  const deepest = Math.max(0, ...[...scopes.values()].map((scope) => scope.length));
  let best = cut(nodes, () => "");
  for (let depth = 1; depth <= deepest; depth++) {
    const finer = cut(nodes, (node) => scopes.get(node)!.slice(0, depth).join("."));
    if (finer.length > most) break;
    best = finer;
  }
  return best;
}

/**
 * One piece for each title, or several: a value that leaves a piece and comes back, like one that goes through the loss
 * and returns as a gradient, begins the next piece, so that wires between pieces go down.
 */
function cut(nodes: readonly ModelNode[], titleOf: (node: ModelNode) => string): Piece[] {
  const pieces = new Map<string, { title: string; members: ModelNode[] }>();
  /** For each value, and each title among what it is made of, the last piece of that title. */
  const above = new Map<string, ReadonlyMap<string, number>>();
  const pieceOf = new Map<string, readonly [title: string, round: number]>();
  for (const node of nodes) {
    const title = titleOf(node);
    const seen = new Map<string, number>();
    let round = 0;
    for (const name of node.inputs) {
      for (const [other, last] of above.get(name) ?? [])
        seen.set(other, Math.max(seen.get(other) ?? 0, last));
      const from = pieceOf.get(name);
      const last = above.get(name)?.get(title);
      if (last !== undefined) round = Math.max(round, from?.[0] === title ? last : last + 1);
    }
    seen.set(title, Math.max(seen.get(title) ?? 0, round));
    const key = `${title} ${round}`;
    const piece = pieces.get(key) ?? { title: title || "other nodes", members: [] };
    pieces.set(key, piece);
    piece.members.push(node);
    for (const name of node.outputs) {
      above.set(name, seen);
      pieceOf.set(name, [title, round]);
    }
  }
  return [...pieces.values()];
}
