import { layOutGrid, type Picture } from "./grid.js";
import { withCommas } from "./theme.js";

export interface Comparison {
  /** uint8 [count,channels,height,width], drawn by the model. */
  readonly generated: Uint8Array;
  /** The same of the data set, of the same classes. */
  readonly real: Uint8Array;
  readonly count: number;
  /** Images in a row. */
  readonly columns: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** A heading for each column, where columns are classes; else none. */
  readonly classNames: readonly string[];
  /** Steps trained when the images were drawn. */
  readonly step: number;
}

/** Generated images above real ones, a column for each class. */
export function layOutComparison({
  generated,
  real,
  classNames,
  step,
  columns,
  ...shape
}: Comparison): Picture {
  const blocks = [
    { name: "generated", images: { ...shape, pixels: generated } },
    { name: "real", images: { ...shape, pixels: real } },
  ];
  return layOutGrid(blocks, { columns, columnNames: classNames, title: titleOf(step) });
}

function titleOf(step: number): string {
  if (step === 0) return "Before training";
  return step === 1 ? "After 1 step" : `After ${withCommas(step)} steps`;
}
