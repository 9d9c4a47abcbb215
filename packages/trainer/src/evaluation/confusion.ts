/** How often each class was taken for each. */

export interface Confusion {
  readonly classes: number;
  /** counts[wanted][judged] */
  readonly counts: readonly (readonly number[])[];
  /** Share that was judged as wanted, 0..1. */
  readonly accuracy: number;
  /** The same for each class; NaN for one that was never wanted. */
  readonly perClass: readonly number[];
}

/** @param wanted class of each image; `judged` what it was taken for. Both 0..classes-1. */
export function confusionOf(
  wanted: ArrayLike<number>,
  judged: ArrayLike<number>,
  classes: number,
): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < wanted.length; i++) counts[wanted[i]!]![judged[i]!]!++;
  const right = counts.map((row, i) => row[i]!);
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  return {
    classes,
    counts,
    accuracy: right.reduce((a, b) => a + b, 0) / wanted.length,
    perClass: right.map((n, i) => n / totals[i]!),
  };
}
