import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { layOutComparison } from "../src/pictures/comparison.js";
import { layOutGrid, type Picture } from "../src/pictures/grid.js";
import type { Images } from "../src/pictures/images.js";
import { comparisonFigure, gridPng } from "../src/pictures/index.js";

/** Images with a value of its own for each pixel, never 255, so that the white ground stands apart. */
function numbered(count: number, channels: number, height: number, width: number): Images {
  const pixels = Uint8Array.from({ length: count * channels * height * width }, (_, i) => (i * 7) % 251);
  return { pixels, count, channels, height, width };
}

function pixel({ pixels, width }: Picture, x: number, y: number): number[] {
  return [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

/** Rows and columns of the picture that hold anything but white, as [first, one past the last] stretches. */
function stretches(picture: Picture): { x: [number, number][]; y: [number, number][] } {
  const inColumn = new Set<number>();
  const inRow = new Set<number>();
  picture.pixels.forEach((value, i) => {
    if (value === 255) return;
    const at = Math.floor(i / 3);
    inColumn.add(at % picture.width);
    inRow.add(Math.floor(at / picture.width));
  });
  const runs = (set: Set<number>) => {
    const out: [number, number][] = [];
    for (const at of [...set].sort((a, b) => a - b)) {
      const last = out.at(-1);
      if (last && last[1] === at) last[1] = at + 1;
      else out.push([at, at + 1]);
    }
    return out;
  };
  return { x: runs(inColumn), y: runs(inRow) };
}

describe("a grid", () => {
  test.each([1, 3])("of %i channels holds every pixel, enlarged without blur", (channels) => {
    const images = numbered(5, channels, 4, 3);
    const scale = 5;
    const picture = layOutGrid([{ images }], { columns: 3, scale });
    const { x, y } = stretches(picture);
    expect(x.map(([a, b]) => b - a)).toEqual([15, 15, 15]);
    expect(y.map(([a, b]) => b - a)).toEqual([20, 20]);
    for (let i = 0; i < 5; i++) {
      const left = x[i % 3]![0];
      const top = y[Math.floor(i / 3)]![0];
      for (let py = 0; py < 20; py++) {
        for (let px = 0; px < 15; px++) {
          const expected = [0, 1, 2].map((c) => {
            const plane = i * channels + (channels === 1 ? 0 : c);
            return images.pixels[(plane * 4 + Math.floor(py / scale)) * 3 + Math.floor(px / scale)]!;
          });
          expect(pixel(picture, left + px, top + py)).toEqual(expected);
        }
      }
    }
    // The sixth place stays white.
    expect(pixel(picture, x[2]![0] + 1, y[1]![0] + 1)).toEqual([255, 255, 255]);
  });

  test("has equal margins and equal gaps, and ten columns unless told otherwise", () => {
    const picture = layOutGrid([{ images: numbered(25, 1, 32, 32) }]);
    const { x, y } = stretches(picture);
    expect(x.length).toBe(10);
    expect(y.length).toBe(3);
    const margins = [x[0]![0], picture.width - x.at(-1)![1], y[0]![0], picture.height - y.at(-1)![1]];
    expect(new Set(margins).size).toBe(1);
    const gaps = [...x.slice(1).map(([a], i) => a - x[i]![1]), ...y.slice(1).map(([a], i) => a - y[i]![1])];
    expect(new Set(gaps).size).toBe(1);
    // 32 pixels of the image are about 96 of the picture.
    expect(x[0]![1] - x[0]![0]).toBe(96);
  });

  test("carries its letters as paths: no fonts are asked for", () => {
    const picture = layOutGrid([{ images: numbered(2, 1, 8, 8), name: "real" }], {
      title: "A title & more",
      columnNames: ["zero", "one"],
    });
    expect(picture.lettering).not.toMatch(/<text|font/u);
    expect(picture.lettering.match(/<path/gu)).toHaveLength(4);
  });

  test("a name wider than its column does not reach the next one", async () => {
    const images = numbered(2, 1, 16, 16);
    const names = ["a very long name of a class that nobody can read", "b"];
    const picture = layOutGrid([{ images: { ...images, pixels: images.pixels.fill(255) } }], {
      columnNames: names,
      columns: 2,
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${picture.width}" height="${picture.height}">${picture.lettering}</svg>`;
    const { data, info } = await sharp(Buffer.from(svg))
      .extractChannel(3)
      .raw()
      .toBuffer({ resolveWithObject: true });
    // The first column is 96 wide from the margin of 40 on; 6 are the gap.
    for (let y = 0; y < info.height; y++) {
      for (let x = 0; x < 40; x++) expect(data[y * info.width + x]).toBe(0);
      for (let x = 137; x < 141; x++) expect(data[y * info.width + x]).toBe(0);
    }
  });

  test.each<[string, Images[], RegExp]>([
    ["two channels", [numbered(1, 2, 4, 4)], /2 channels, expected 1 or 3/],
    ["too few values", [{ ...numbered(1, 1, 4, 4), count: 2 }], /16 values for 2 images of \[1, 4, 4\]/],
    [
      "two shapes",
      [numbered(1, 1, 4, 4), numbered(1, 1, 4, 5)],
      /images of \[1, 4, 5\] beside others of \[1, 4, 4\]/,
    ],
    ["nothing", [], /no images/],
  ])("%s is refused", (_, all, message) => {
    expect(() => layOutGrid(all.map((images) => ({ images })))).toThrow(message);
  });

  test("becomes a PNG with just these pixels", async () => {
    const images = numbered(3, 3, 4, 4);
    const picture = layOutGrid([{ images }], { scale: 2 });
    const { data, info } = await sharp(await gridPng(images, { scale: 2 }))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: picture.width, height: picture.height, channels: 3 });
    expect(Buffer.compare(data, picture.pixels)).toBe(0);
  });
});

describe("the comparison of generated and real images", () => {
  const shape = { count: 20, columns: 10, channels: 3, height: 32, width: 32 };
  const generated = new Uint8Array(20 * 3072).fill(40);
  const real = new Uint8Array(20 * 3072).fill(200);
  const classNames = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

  test("shows the generated ones above the real ones", () => {
    const picture = layOutComparison({ ...shape, generated, real, classNames, step: 2500 });
    const { x, y } = stretches(picture);
    expect(x.length).toBe(10);
    expect(y.length).toBe(4);
    expect(y.map(([top]) => pixel(picture, x[0]![0], top)[0])).toEqual([40, 40, 200, 200]);
    // The blocks stand further apart than the rows of one.
    expect(y[2]![0] - y[1]![1]).toBeGreaterThan(2 * (y[1]![0] - y[0]![1]));
    // title, ten headings, two names
    expect(picture.lettering.match(/<path/gu)).toHaveLength(13);
  });

  test("without classes there are no headings", () => {
    const picture = layOutComparison({ ...shape, generated, real, classNames: [], step: 0 });
    expect(picture.lettering.match(/<path/gu)).toHaveLength(3);
  });

  test("becomes a PNG in well under a second", async () => {
    const start = process.cpuUsage();
    const png = await comparisonFigure({ ...shape, generated, real, classNames, step: 1 });
    // 0.1 s measured, of the processor's time: other tests share the machine, which may be slow.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(3);
    expect((await sharp(png).metadata()).format).toBe("png");
  });
});
