import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadDataset } from "../src/data/index.js";
import { bilinearTaps, resizePlanes } from "../src/data/resize.js";

/*
 * PyTorch 2.15.0, CPU: F.interpolate(x / 255, size, mode="bilinear", align_corners=False, antialias=True), which is
 * what torchvision's Resize calls. With antialias=False the enlarged ones differ by at most 1.2e-7.
 */
const TORCH_MNIST: [image: number, row: number, values: number[]][] = [
  [
    0,
    9,
    [
      0, 0, 0, 0, 0, 0, 0, 0.005836, 0.087546, 0.726654, 0.954856, 0.992157, 0.992157, 0.992157, 0.992157,
      0.981204, 0.827865, 0.77549, 0.908318, 0.961458, 0.565671, 0.065855, 0.060294, 0.059099, 0.042371,
      0.03102, 0.008961, 0, 0, 0, 0, 0,
    ],
  ],
  [
    0,
    23,
    [
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0.00458, 0.012883, 0.086075, 0.289491, 0.604059, 0.896569, 0.992157,
      0.992157, 0.981204, 0.958961, 0.831572, 0.541406, 0.197151, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
  ],
  [
    7,
    16,
    [
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0.134421, 0.618214, 0.898882, 0.9644, 0.973774, 0.973774, 0.974923, 0.991008,
      0.988971, 0.988235, 0.988235, 0.8661, 0.495297, 0.021599, 0.006434, 0.000429, 0, 0, 0, 0, 0, 0, 0,
    ],
  ],
  [
    59999,
    9,
    [
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.066713, 0.284758, 0.611566, 0.862699, 0.940977, 0.914124,
      0.887592, 0.881373, 0.89064, 0.892096, 0.767387, 0.170113, 0.023897, 0.046002, 0.323208, 0.554611,
      0.409635, 0, 0,
    ],
  ],
];

/** The mean of the first 1000 images, enlarged, in float64. */
const TORCH_MEAN_1000 = 0.12846457236875022;

/** The plane [7,5] with value (37 i) mod 256 at index i, times 255 after resizing. */
const TORCH_PLANE: [height: number, width: number, values: number[]][] = [
  [3, 2, [110.792213, 92.532463, 109.433159, 124.566841, 141.467545, 123.207779]],
  [
    4,
    9,
    [
      84.714287, 97.047615, 117.603172, 89.396812, 48.999992, 69.555557, 88.756607, 102.539688, 110.80951,
      108.320007, 120.653336, 141.208908, 139.008896, 131.120026, 151.675583, 157.440002, 104.039978,
      72.000008, 161.999985, 129.959991, 76.559998, 82.324448, 102.88, 94.991096, 92.791115, 113.346672,
      125.68, 123.190468, 131.46031, 145.243393, 164.444443, 185, 144.603134, 116.396828, 136.952393,
      149.285706,
    ],
  ],
];

describe("resizing as torchvision does", () => {
  test("28x28 to 32x32 on MNIST itself", async () => {
    const data = await loadDataset("mnist", { split: "train", height: 32, width: 32, channels: 1 });
    const image = new Uint8Array(1024);
    for (const [index, row, expected] of TORCH_MNIST) {
      data.images([index], image);
      // Half a step of uint8 is the rounding; 0.001 is PyTorch's float32 and the six digits kept above.
      expected.forEach((value, x) => {
        expect(Math.abs(image[row * 32 + x]! - value * 255)).toBeLessThanOrEqual(0.501);
      });
    }
    const thousand = new Uint8Array(1000 * 1024);
    data.images(
      Array.from({ length: 1000 }, (_, i) => i),
      thousand,
    );
    const mean = thousand.reduce((a, b) => a + b, 0) / thousand.length / 255;
    // The rounding errors of about 250,000 grey pixels, 0.29/255 each, average out; the rest is half-up at ties.
    expect(Math.abs(mean - TORCH_MEAN_1000)).toBeLessThan(2e-5);
  });

  test.each(TORCH_PLANE)("7x5 to %ix%i, smaller in one direction at least", (height, width, expected) => {
    const plane = Uint8Array.from({ length: 35 }, (_, i) => (37 * i) % 256);
    const out = resizePlanes(plane, { height: 7, width: 5 }, { height, width });
    expect(out.length).toBe(expected.length);
    // Half a step of uint8 and PyTorch's float32.
    expected.forEach((value, i) => {
      expect(Math.abs(out[i]! - value)).toBeLessThanOrEqual(0.501);
    });
  });

  test("to its own size an image stays what it is", () => {
    const planes = Uint8Array.from({ length: 3 * 6 * 5 }, (_, i) => (i * 91) % 256);
    const size = { height: 6, width: 5 };
    expect(resizePlanes(planes, size, size)).toEqual(planes);
  });

  test("taps lie inside the image, are no less than 0 and sum to 1", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (input, output) => {
        const { start, weights, count } = bilinearTaps(input, output);
        for (let i = 0; i < output; i++) {
          const row = weights.subarray(i * count, (i + 1) * count);
          expect(start[i]).toBeGreaterThanOrEqual(0);
          expect(start[i]! + count).toBeLessThanOrEqual(input);
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
          // float64 sums of at most 40 weights
          expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        }
      }),
    );
  });

  test("skipping black columns changes nothing", () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.infiniteStream(fc.integer({ min: 0, max: 900 })),
        (h, w, H, W, pixels) => {
          // Mostly black, with single pixels and runs of ink.
          const plane = Uint8Array.from({ length: h * w }, () => Math.max(0, pixels.next().value! - 645));
          const out = resizePlanes(plane, { height: h, width: w }, { height: H, width: W });
          const rows = denseTaps(h, H);
          const columns = denseTaps(w, W);
          for (let y = 0; y < H; y++) {
            for (let x = 0; x < W; x++) {
              let sum = 0;
              for (let a = 0; a < h; a++) {
                for (let b = 0; b < w; b++) sum += rows[y]![a]! * columns[x]![b]! * plane[a * w + b]!;
              }
              // The order of float64 sums may turn a tie, nothing more.
              expect(Math.abs(out[y * W + x]! - sum)).toBeLessThan(0.5 + 1e-9);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The triangle filter over every source pixel, without windows: weights [output][input]. */
function denseTaps(input: number, output: number): number[][] {
  const width = Math.max(1, input / output);
  return Array.from({ length: output }, (_, i) => {
    const centre = ((i + 0.5) * input) / output;
    const row = Array.from({ length: input }, (_, p) => Math.max(0, 1 - Math.abs(p + 0.5 - centre) / width));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((w) => w / sum);
  });
}
