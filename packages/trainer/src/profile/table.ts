/** A profile as lines of text. */

import { alignedColumns } from "../columns.js";
import { byOperator, type ProfileRow, shapeText } from "./events.js";

interface Profile {
  readonly rows: readonly ProfileRow[];
  /** Of a step by the clock, what lies between the nodes included. */
  readonly wall: number;
}

/** The table: operators, then the nodes that take longest. Columns are aligned. */
export function profileLines({ rows, wall }: Profile, most: number): string[] {
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const cells = (
    row: { operator: string; count: number; milliseconds: number; gflop: number | undefined },
    shape: string,
  ) => [
    row.operator,
    numberText(row.count, 1),
    row.milliseconds.toFixed(2),
    `${((100 * row.milliseconds) / total).toFixed(1)} %`,
    rateText(row),
    shape,
  ];
  const operators = byOperator(rows);
  const shown = rows.slice(0, most);
  const rest = rows.slice(most);
  const table = [
    ["operator", "nodes", "ms a step", "share", "GFLOP/s", ""],
    ...operators.map((row) => cells(row, "")),
    ["", "", "", "", "", ""],
    ["operator", "nodes", "ms a step", "share", "GFLOP/s", "shapes"],
    ...shown.map((row) => cells(row, shapeText(row))),
  ];
  const lines = alignedColumns(table, [0, 5]);
  const gflop = rows.reduce((sum, row) => sum + (row.gflop ?? 0), 0);
  const between = Math.max(0, wall - total);
  return [
    ...lines,
    ...(rest.length > 0
      ? [`and ${rest.length} more, ${rest.reduce((s, r) => s + r.milliseconds, 0).toFixed(2)} ms`]
      : []),
    "",
    `a step: ${wall.toFixed(1)} ms by the clock, ${total.toFixed(1)} in nodes, ${between.toFixed(1)} between them; ${gflop.toFixed(2)} GFLOP, ${((1000 * gflop) / wall).toFixed(0)} GFLOP/s`,
  ];
}

/** GFLOP/s, or nothing for an operator that multiplies no matrices. */
export function rateText({ gflop, milliseconds }: Pick<ProfileRow, "gflop" | "milliseconds">): string {
  return gflop === undefined || milliseconds === 0 ? "" : ((1000 * gflop) / milliseconds).toFixed(0);
}

const numberText = (value: number, decimals: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(decimals);
