/** Rows of a table with aligned columns: those named in `left` to the left, numbers to the right. */
export function alignedColumns(table: readonly (readonly string[])[], left: readonly number[]): string[] {
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) =>
    row
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
