/** ONNX Runtime's profile of some runs: what each node took, and how much arithmetic that was. */

import { UserError } from "@onnx-diffusion/diffusion";
import { flopsOf } from "./flops.js";

/** Shapes of a node's operands and results. */
export interface Shapes {
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}

/** Nodes of one operator and the same shapes. */
export interface ProfileRow extends Shapes {
  readonly operator: string;
  /** How many of them are run in a step. */
  readonly count: number;
  /** Of all of them, a step. */
  readonly milliseconds: number;
  /** Of all of them, a step; undefined for operators that only move or combine elements. */
  readonly gflop: number | undefined;
}

/** An event of ONNX Runtime's file, in Chrome's trace format. */
interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** Operators whose time is that of the nodes in their bodies. */
const CONTAINERS = new Set(["Loop", "If", "Scan"]);
const SUFFIX = "_kernel_time";

/**
 * The rows of a profile, the longest first.
 *
 * @param text the file that ONNX Runtime wrote, of `runs` equal runs of `steps` steps each. The first run, in which
 *   memory is set up, does not count.
 * @throws UserError where the file is no profile.
 */
export function profileRows(text: string, { runs, steps }: { runs: number; steps: number }): ProfileRow[] {
  const nodes = new Map<string, { operator: string; shapes: Shapes; durations: number[] }>();
  for (const { cat, name, dur, args } of parseEvents(text)) {
    const operator = args?.op_name;
    if (cat !== "Node" || !name.endsWith(SUFFIX) || operator === undefined || CONTAINERS.has(operator))
      continue;
    const known = nodes.get(name);
    if (known) known.durations.push(dur);
    else nodes.set(name, { operator, shapes: shapesOf(args!), durations: [dur] });
  }
  const rows = new Map<string, ProfileRow>();
  for (const { operator, shapes, durations } of nodes.values()) {
    const counted = durations.slice(Math.floor(durations.length / runs));
    const count = durations.length / (runs * steps);
    // The median: a node that another program held up must not look slow.
    const milliseconds = (median(counted) / 1000) * count;
    const flops = flopsOf(operator, shapes);
    const gflop = flops === undefined ? undefined : (flops * count) / 1e9;
    const key = `${operator} ${JSON.stringify(shapes)}`;
    const before = rows.get(key);
    rows.set(key, {
      ...{ operator, ...shapes },
      count: count + (before?.count ?? 0),
      milliseconds: milliseconds + (before?.milliseconds ?? 0),
      gflop: gflop === undefined ? undefined : gflop + (before?.gflop ?? 0),
    });
  }
  return [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

function parseEvents(text: string): readonly Event[] {
  try {
    const events = JSON.parse(text) as unknown;
    if (Array.isArray(events)) return events as Event[];
  } catch {
    // said below
  }
  throw new UserError(
    `profile: ONNX Runtime's file of ${text.length} bytes is no list of events; run the command again`,
  );
}

function shapesOf({ input_type_shape = [], output_type_shape = [] }: NonNullable<Event["args"]>): Shapes {
  const shapes = (list: typeof input_type_shape) => list.map((entry) => Object.values(entry)[0] ?? []);
  return { inputs: shapes(input_type_shape), outputs: shapes(output_type_shape) };
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/** What an operator takes of a step, over all shapes. */
interface OperatorTotal {
  readonly operator: string;
  readonly count: number;
  readonly milliseconds: number;
  readonly gflop: number | undefined;
}

/** The rows by operator, the longest first. */
export function byOperator(rows: readonly ProfileRow[]): OperatorTotal[] {
  const totals = new Map<string, OperatorTotal>();
  for (const { operator, count, milliseconds, gflop } of rows) {
    const sum = totals.get(operator);
    totals.set(operator, {
      operator,
      count: count + (sum?.count ?? 0),
      milliseconds: milliseconds + (sum?.milliseconds ?? 0),
      gflop: gflop === undefined ? sum?.gflop : gflop + (sum?.gflop ?? 0),
    });
  }
  return [...totals.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** `4096x200 · 200x1536 → 4096x1536`; operands that are scalars or lists of axes are left out. */
export function shapeText({ inputs, outputs }: Shapes): string {
  const large = inputs.filter((shape) => shape.length > 1);
  const text = (shapes: Shapes["inputs"]) => shapes.map((shape) => shape.join("x") || "scalar").join(" · ");
  const from = text(large.length > 0 ? large : inputs.slice(0, 1));
  const to = text(outputs);
  return from === to ? to : `${from} → ${to}`;
}
