import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { GLYPHS } from "../src/pictures/glyphs.js";
import { textSvg, textWidth } from "../src/pictures/text.js";

const SIZE = 100;

/** Where a text leaves ink when it is drawn in a field of 600x200 with its anchor at (200, 120). */
async function ink(
  text: string,
  options: object = {},
): Promise<{ left: number; right: number; top: number; bottom: number }> {
  const path = textSvg(text, { x: 200, y: 120, size: SIZE, colour: "#000", ...options });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="200">${path}</svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .extractChannel(3)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  data.forEach((alpha, i) => {
    if (alpha < 64) return;
    const x = i % info.width;
    const y = Math.floor(i / info.width);
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
  });
  return box;
}

describe("the embedded alphabet", () => {
  test("has all printable ASCII characters", () => {
    for (let code = 33; code < 127; code++) expect(GLYPHS).toHaveProperty([String.fromCharCode(code)]);
  });

  test.each(Object.entries(GLYPHS))("%s draws ink inside its box", async (character, [width]) => {
    const box = await ink(character);
    // The stroke is 8 wide; half of it lies outside the middle line. One pixel is antialiasing.
    expect(box.left).toBeGreaterThanOrEqual(200 - 6);
    expect(box.right).toBeLessThanOrEqual(200 + width + 14);
    expect(box.top).toBeGreaterThanOrEqual(120 - 80 - 5);
    expect(box.bottom).toBeLessThanOrEqual(120 + 20 + 5);
  });

  test("no corner is rounder than its sides are long", () => {
    // An arc that began beyond the middle of its side would run back: x or y would leave the glyph's own points.
    for (const [character, [, ...strokes]] of Object.entries(GLYPHS)) {
      for (const stroke of strokes) {
        const parts = stroke.split(" ");
        const closed = parts.at(-1) === "z";
        const points = (closed ? parts.slice(0, -1) : parts).map((part) => part.split(",").map(Number));
        const n = points.length;
        const reach = points.map(([x, y, r = 0], i) => {
          const a = points[(i + n - 1) % n]!;
          const b = points[(i + 1) % n]!;
          if (r === 0) return 0;
          const angle = Math.abs(Math.atan2(a[1]! - y!, a[0]! - x!) - Math.atan2(b[1]! - y!, b[0]! - x!));
          return r / Math.tan(Math.min(angle, 2 * Math.PI - angle) / 2);
        });
        for (let i = 0; i < (closed ? n : n - 1); i++) {
          const j = (i + 1) % n;
          const side = Math.hypot(points[j]![0]! - points[i]![0]!, points[j]![1]! - points[i]![1]!);
          expect(reach[i]! + reach[j]!, `${character}: ${stroke}, side ${i}`).toBeLessThanOrEqual(
            side + 1e-6,
          );
        }
      }
    }
  });

  test("capitals and figures stand on the line and are 0.7 of the size high", async () => {
    for (const character of ["H", "0", "7", "E"]) {
      const box = await ink(character);
      // The stroke's half, 4 pixels, lies beyond both; one pixel is antialiasing.
      expect(Math.abs(box.top - (120 - 70 - 4))).toBeLessThanOrEqual(1);
      expect(Math.abs(box.bottom - (120 + 4))).toBeLessThanOrEqual(1);
    }
  });
});

describe("a line of text", () => {
  test("keeps to its anchor", async () => {
    const start = await ink("Ho");
    const end = await ink("oH", { anchor: "end" });
    const middle = await ink("HoH", { anchor: "middle" });
    // One pixel is antialiasing.
    expect(Math.abs(start.left - 200)).toBeLessThanOrEqual(1);
    expect(Math.abs(end.right - 200)).toBeLessThanOrEqual(1);
    expect(Math.abs(middle.left + middle.right - 400)).toBeLessThanOrEqual(2);
  });

  test("is as wide as it says, in both weights", async () => {
    for (const [weight, stroke] of [
      ["regular", 8],
      ["bold", 11.5],
    ] as const) {
      const box = await ink("Loss 0.5", { weight });
      // Measured along the middle of the strokes; one pixel is antialiasing.
      expect(
        Math.abs(box.right - box.left - stroke - textWidth("Loss 0.5", SIZE, weight)),
      ).toBeLessThanOrEqual(1.5);
    }
  });

  test("figures share one width", () => {
    const widths = [..."0123456789"].map((digit) => textWidth(`|${digit}|`, SIZE));
    expect(new Set(widths).size).toBe(1);
  });

  test("what is not in the alphabet shows as its plain letter or as a box", () => {
    const at = { x: 0, y: 0, size: 10, colour: "#000" };
    expect(textSvg("café", at)).toBe(textSvg("cafe", at));
    expect(textSvg("語", at)).toMatch(/d="M.*Z"/u);
    expect(textWidth("", 10)).toBe(0);
    expect(textSvg("", at)).not.toMatch(/NaN/u);
  });
});
