/** Aligned columns for a terminal of any width. */

export interface Column {
  /** Numbers stand right. */
  readonly right?: boolean;
  /** May be cut to make the table fit. */
  readonly flexible?: boolean;
}

const GAP = "  ";

/** One line for each row, the columns aligned; where the lines are wider than `width`, flexible columns are cut. */
export function table(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  width: number,
): string[] {
  const widths = columns.map((_, i) => Math.max(0, ...rows.map((row) => lengthOf(row[i] ?? ""))));
  const total = () => widths.reduce((a, b) => a + b + GAP.length, -GAP.length);
  for (let over = total() - width; over > 0; over = total() - width) {
    const widest = Math.max(...columns.map(({ flexible }, i) => (flexible ? widths[i]! : 0)));
    if (widest <= 8) break;
    widths[columns.findIndex(({ flexible }, i) => flexible && widths[i] === widest)]!--;
  }
  return rows.map((row) =>
    columns
      .map(({ right }, i) => {
        const text = cut(row[i] ?? "", widths[i]!);
        const space = " ".repeat(widths[i]! - lengthOf(text));
        return right ? space + text : text + space;
      })
      .join(GAP)
      .trimEnd(),
  );
}

const lengthOf = (text: string): number => [...text].length;

/** The start and the end of a text, which tell names apart. */
function cut(text: string, width: number): string {
  const letters = [...text];
  if (letters.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return [...letters.slice(0, width - 1 - tail), "…", ...letters.slice(letters.length - tail)].join("");
}

/** Texts from a file without what moves a terminal's cursor or turns the direction of writing. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
