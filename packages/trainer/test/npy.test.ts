import { describe, expect, test } from "vitest";
import { encodeNpy, toChannelsLast } from "../src/npy.js";

/** Reads a .npy file by the letter of NumPy's format description. */
function parse(file: Uint8Array): { shape: number[]; data: Uint8Array; header: string } {
  expect(Buffer.from(file.subarray(0, 8)).toString("latin1")).toBe("\x93NUMPY\x01\x00");
  const length = file[8]! + 256 * file[9]!;
  expect((10 + length) % 64).toBe(0);
  const header = Buffer.from(file.subarray(10, 10 + length)).toString("latin1");
  const fields = /^\{'descr': '\|u1', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n$/u.exec(header);
  expect(fields, header).not.toBeNull();
  const shape = fields![1]!
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  return { shape, data: file.subarray(10 + length), header };
}

describe("npy files", () => {
  test.each([[[2, 3, 4, 1]], [[5]], [[0, 32, 32, 3]], [[1, 1]]])(
    "of shape %j read back as they were",
    (shape) => {
      const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37) % 256);
      const read = parse(encodeNpy(data, shape));
      expect(read.shape).toEqual(shape);
      expect(read.data).toEqual(data);
    },
  );

  test("a tuple of one has its comma", () => {
    expect(parse(encodeNpy(new Uint8Array(5), [5])).header).toContain("(5,)");
  });

  test("a shape that does not fit is refused", () => {
    expect(() => encodeNpy(new Uint8Array(5), [2, 3])).toThrow("npy: 5 values, the shape [2, 3] needs 6");
  });

  test("channels go last", () => {
    // Two images of 2x3 with three channels; the value says image, channel, row and column.
    const [N, C, H, W] = [2, 3, 2, 3];
    const value = (n: number, c: number, y: number, x: number) => n * 100 + c * 30 + y * 10 + x;
    const pixels = new Uint8Array(N * C * H * W);
    const expected = new Uint8Array(pixels.length);
    for (let n = 0; n < N; n++)
      for (let c = 0; c < C; c++)
        for (let y = 0; y < H; y++)
          for (let x = 0; x < W; x++) {
            pixels[((n * C + c) * H + y) * W + x] = value(n, c, y, x);
            expected[((n * H + y) * W + x) * C + c] = value(n, c, y, x);
          }
    expect(toChannelsLast({ pixels, count: N, channels: C, height: H, width: W })).toEqual(expected);
  });
});
