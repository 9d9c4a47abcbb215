export interface Point {
  readonly x: number;
  readonly y: number;
}

/** In units of the picture: about the width of a thin line. */
const COLUMN = 1;

/**
 * SVG path data through points in the order of x. Where many fall into one column only the first, the
 * lowest, the highest and the last are kept, which draws the same picture. A point that is not finite leaves a gap.
 */
export function linePath(points: readonly Point[]): string {
  let d = "";
  for (const run of runs(points)) {
    const kept = decimate(run);
    d += kept.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${tenths(x)} ${tenths(y)}`).join("");
    // A single point is a dot: a line to itself with a round end.
    if (kept.length === 1) d += "h0";
  }
  return d;
}

function* runs(points: readonly Point[]): Generator<Point[]> {
  let run: Point[] = [];
  for (const point of points) {
    if (Number.isFinite(point.x) && Number.isFinite(point.y)) {
      run.push(point);
    } else if (run.length > 0) {
      yield run;
      run = [];
    }
  }
  if (run.length > 0) yield run;
}

function decimate(run: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let i = 0; i < run.length; ) {
    const column = Math.floor(run[i]!.x / COLUMN);
    let end = i;
    let least = i;
    let most = i;
    for (; end < run.length && Math.floor(run[end]!.x / COLUMN) === column; end++) {
      if (run[end]!.y < run[least]!.y) least = end;
      if (run[end]!.y > run[most]!.y) most = end;
    }
    const chosen = new Set([i, Math.min(least, most), Math.max(least, most), end - 1]);
    for (const index of chosen) kept.push(run[index]!);
    i = end;
  }
  return kept;
}

/** A tenth of a unit is a fifth of a pixel. Far outside the picture nothing is to be seen: kept within reach. */
function tenths(value: number): number {
  return Math.round(Math.min(1e5, Math.max(-1e5, value)) * 10) / 10;
}
