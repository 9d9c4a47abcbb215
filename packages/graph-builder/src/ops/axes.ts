import { formatShape, type Shape } from "../dim.js";
import { GraphError } from "../errors.js";
import type { Call } from "../op.js";

/** An axis counted from the start; negative ones count from the end. */
export function normalizeAxis(axis: number, rank: number, fail?: Call["fail"]): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && positive >= 0 && positive < rank) return positive;
  const message =
    rank === 0
      ? `axis ${axis} is out of range: a scalar has no axes`
      : `axis ${axis} is out of range for rank ${rank}; expected ${-rank}..${rank - 1}`;
  if (fail) return fail(message);
  throw new GraphError(message);
}

export function normalizeAxes(axes: readonly number[], shape: Shape, fail?: Call["fail"]): number[] {
  const result = axes.map((axis) => normalizeAxis(axis, shape.length, fail));
  if (new Set(result).size < result.length) {
    const message = `axes [${axes}] name an axis of ${formatShape(shape)} twice`;
    if (fail) fail(message);
    throw new GraphError(message);
  }
  return result;
}
