import type { Dataset } from "../data/dataset.js";
import { type Block, layOutGrid, type Picture } from "./grid.js";
import { withCommas } from "./theme.js";

/** Images of a class, side by side. */
const COLUMNS = 12;
/** Rows that a picture has at most. */
const MOST_ROWS = 30;
/** Letters of a name. */
const LONGEST = 32;
/** Rows of a data set with one class. */
const ROWS = 5;

/** The first images of each class, a row for each. */
export function layOutPreview(dataset: Dataset, name: string): Picture {
  const { count, classes, classNames } = dataset;
  const labels = new Int32Array(count);
  dataset.labels(
    Uint32Array.from({ length: count }, (_, i) => i),
    labels,
  );
  const rows = Math.min(classes, MOST_ROWS);
  const most = classes === 1 ? ROWS * COLUMNS : COLUMNS;
  const blocks = Array.from({ length: rows }, (_, label): Block => {
    const indices: number[] = [];
    for (let i = 0; i < count && indices.length < most; i++) if (labels[i] === label) indices.push(i);
    const pixels = new Uint8Array(indices.length * dataset.channels * dataset.height * dataset.width);
    dataset.images(indices, pixels);
    const { channels, height, width } = dataset;
    return {
      name: shortened(classNames[label]!),
      images: { pixels, count: indices.length, channels, height, width },
    };
  });
  const shown = rows < classes ? `, the first ${rows}` : "";
  const kinds = classes === 1 ? "1 class" : `${classes} classes${shown}`;
  // of a path the end says most
  const called = name.replace(/^(folder:).*[\\/](?=[^\\/])/s, "$1");
  const title = `${shortened(called)}: ${withCommas(count)} images, ${kinds}`;
  return layOutGrid(blocks, { columns: COLUMNS, title, scale: 2, blockGap: 8 });
}

/** File systems allow names of 255 letters, pictures do not. */
const shortened = (name: string): string => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);
