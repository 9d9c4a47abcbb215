/** Images in rows and columns, enlarged by whole pixels, with headings: from arrays to one array of pixels. */

import { CAP_HEIGHT } from "./glyphs.js";
import type { Images } from "./images.js";
import { textSvg, textWidth } from "./text.js";
import { INK, TEXT } from "./theme.js";

/** What a picture is before it is encoded. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** uint8 [height,width,3], red, green, blue. */
  readonly pixels: Uint8Array;
  /** The inside of an SVG of the same size that goes over the pixels. */
  readonly lettering: string;
}

/** Rows of images that belong together. */
export interface Block {
  readonly images: Images;
  /** Stands to the left of the block's first row. */
  readonly name?: string;
}

export interface GridOptions {
  /** Images in a row; 10 or as many as there are. */
  readonly columns?: number;
  /** Pixels of the picture for one of the image, in both directions; else such that an image is about 96 wide. */
  readonly scale?: number;
  /** Headings over the columns, the first over the first. */
  readonly columnNames?: readonly string[];
  readonly title?: string;
  /** Pixels between blocks. */
  readonly blockGap?: number;
}

const MARGIN = 40;
const GAP = 6;
const BLOCK_GAP = 30;
const IMAGE_WIDTH = 96;
const DEFAULT_COLUMNS = 10;
const TITLE = { size: 25, below: 30 };
const HEADING = { size: 19, below: 13 };
const NAME = { size: 19, right: 22 };
/** Lettering smaller than this cannot be read. */
const LEAST_SIZE = 12;

/**
 * Lays blocks of images out below each other. All have the same shape.
 *
 * @throws RangeError for images that are not all of one shape, or neither grey nor RGB.
 */
export function layOutGrid(blocks: readonly Block[], options: GridOptions = {}): Picture {
  const { channels, height: imageHeight, width: imageWidth } = checkShapes(blocks);
  const most = Math.max(...blocks.map((block) => block.images.count));
  const columns = options.columns ?? Math.min(DEFAULT_COLUMNS, Math.max(1, most));
  const scale = options.scale ?? Math.max(1, Math.round(IMAGE_WIDTH / imageWidth));
  const cell = { width: imageWidth * scale, height: imageHeight * scale };
  const names = options.columnNames?.slice(0, columns) ?? [];
  const blockGap = options.blockGap ?? BLOCK_GAP;

  const gutter = Math.max(
    0,
    ...blocks.map(({ name }) => (name ? textWidth(name, NAME.size) + NAME.right : 0)),
  );
  const left = MARGIN + Math.round(gutter);
  const contentWidth = columns * (cell.width + GAP) - GAP;
  const titleWidth = options.title ? textWidth(options.title, TITLE.size, "bold") : 0;
  const width = Math.ceil(Math.max(left + contentWidth, left + titleWidth)) + MARGIN;

  let lettering = "";
  let y = MARGIN;
  if (options.title) {
    y += Math.round(TITLE.size * CAP_HEIGHT);
    lettering += textSvg(options.title, { x: left, y, size: TITLE.size, colour: INK, weight: "bold" });
    y += TITLE.below;
  }
  if (names.length > 0) {
    y += Math.round(HEADING.size * CAP_HEIGHT);
    const size = headingSize(names, cell.width);
    lettering += names
      .map((name, i) => heading(name, size, left + i * (cell.width + GAP) + cell.width / 2, y, cell.width))
      .join("");
    y += HEADING.below;
  }
  const placed = blocks.map((block) => {
    const top = y;
    const rows = Math.ceil(block.images.count / columns);
    y += rows * (cell.height + GAP) - GAP + blockGap;
    if (block.name) {
      // The first row's middle, by the height of small letters.
      const baseline = top + cell.height / 2 + NAME.size * 0.25;
      lettering += textSvg(block.name, {
        x: left - NAME.right,
        y: baseline,
        size: NAME.size,
        colour: TEXT,
        anchor: "end",
      });
    }
    return { images: block.images, top };
  });
  const height = y - blockGap + MARGIN;

  const pixels = new Uint8Array(width * height * 3).fill(255);
  for (const { images, top } of placed) {
    for (let i = 0; i < images.count; i++) {
      const x = left + (i % columns) * (cell.width + GAP);
      const row = top + Math.floor(i / columns) * (cell.height + GAP);
      const start = i * channels * imageHeight * imageWidth;
      drawImage(images, start, scale, pixels, (row * width + x) * 3, width * 3);
    }
  }
  return { width, height, pixels, lettering };
}

/** One size for all headings, smaller than usual where a name would be wider than its column. */
function headingSize(names: readonly string[], room: number): number {
  const widest = Math.max(1, ...names.map((name) => textWidth(name, HEADING.size)));
  return Math.max(LEAST_SIZE, HEADING.size * Math.min(1, room / widest));
}

/** A column's name, cut where even the least size is too wide. */
function heading(name: string, size: number, x: number, y: number, room: number): string {
  let text = name;
  while (text.length > 1 && textWidth(text, size) > room + 0.5)
    text = `${text.replace(/…$/u, "").slice(0, -1)}…`;
  return textSvg(text, { x, y, size, colour: TEXT, anchor: "middle" });
}

/** Copies one image into the picture at byte `at`, each of its pixels `scale` times in both directions. */
function drawImage(
  images: Images,
  start: number,
  scale: number,
  out: Uint8Array,
  at: number,
  stride: number,
): void {
  const { pixels, channels, height, width } = images;
  const area = height * width;
  // Grey is one plane read three times.
  const plane = channels === 1 ? 0 : area;
  for (let y = 0; y < height; y++) {
    const line = at + y * scale * stride;
    for (let x = 0; x < width; x++) {
      const source = start + y * width + x;
      for (let s = 0; s < scale; s++) {
        const target = line + (x * scale + s) * 3;
        for (let c = 0; c < 3; c++) out[target + c] = pixels[source + c * plane]!;
      }
    }
    for (let s = 1; s < scale; s++) out.copyWithin(line + s * stride, line, line + width * scale * 3);
  }
}

function checkShapes(blocks: readonly Block[]): Images {
  const first = blocks[0]?.images;
  if (!first) throw new RangeError("grid: no images");
  for (const { images } of blocks) {
    const { pixels, count, channels, height, width } = images;
    const shape = `[${channels}, ${height}, ${width}]`;
    if (channels !== 1 && channels !== 3) throw new RangeError(`grid: ${channels} channels, expected 1 or 3`);
    if (channels !== first.channels || height !== first.height || width !== first.width) {
      throw new RangeError(
        `grid: images of ${shape} beside others of [${first.channels}, ${first.height}, ${first.width}]`,
      );
    }
    if (pixels.length !== count * channels * height * width) {
      throw new RangeError(`grid: ${pixels.length} values for ${count} images of ${shape}`);
    }
  }
  return first;
}
