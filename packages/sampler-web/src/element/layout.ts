/** How many pictures lie side by side. */

/**
 * Columns for a grid about twice as wide as high, with few empty places in its last row: 5 for 10, 4 for 12.
 *
 * @param count pictures, 1 or more.
 */
export function columnsFor(count: number): number {
  const least = Math.ceil(Math.sqrt(count));
  const candidates = Array.from({ length: least }, (_, i) => least + i);
  const ideal = Math.sqrt(1.8 * count);
  const empty = (columns: number) => Math.ceil(count / columns) * columns - count;
  const cost = (columns: number) => empty(columns) + Math.abs(columns - ideal) / count;
  return candidates.reduce((best, columns) => (cost(columns) < cost(best) ? columns : best));
}

/** Classes side by side where there is little room. */
export const CLASS_COLUMNS = 6;

/** Columns for the choice of all classes, which stands first, so that no row ends early: 2 for 10 classes in rows of 6. */
export const spanOfAll = (classes: number): number => CLASS_COLUMNS - (classes % CLASS_COLUMNS);
