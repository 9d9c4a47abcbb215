/** What a sample grid shows. */

export interface Grid {
  readonly count: number;
  readonly columns: number;
  /** The label of each image, in reading order; empty for a model without classes. */
  readonly labels: readonly number[];
}

/** Most images beside each other. */
const WIDEST = 10;

/** A grid with a column for each class and some rows, or ten columns where there are no classes. */
export function classGrid(classes: number, rows: number): Grid {
  const columns = classes > 0 ? Math.min(classes, WIDEST) : WIDEST;
  const count = columns * rows;
  const labels = classes > 0 ? Array.from({ length: count }, (_, i) => i % columns) : [];
  return { count, columns, labels };
}
