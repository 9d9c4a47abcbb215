/** Convolutions by minimal filtering are ONNX's own to rounding, in all three products and their gradients. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildModel, cpu, input, native } from "../src/index.js";
import { furthest, layers } from "./layers.js";

const GEOMETRY = { kernel: [4, 4], stride: 2, pad: 1 } as const;
/** The fewest channels of this form. */
const [LARGE, SMALL] = [32, 33];

interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly bias: boolean;
}

test.each(["conv2d", "convTranspose2d"] as const)(
  "%s: values and gradients of gradients are those of the native operators",
  async (op) => {
    const arbitrary: fc.Arbitrary<Case> = fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 8, max: 12 }),
      width: fc.integer({ min: 8, max: 17 }),
      bias: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, fc.integer({ min: 1 }), async ({ batch, height, width, bias }, start) => {
        const small = ["n", SMALL, height, width];
        const large = ["n", LARGE, 2 * height, 2 * width];
        const [from, to] = op === "conv2d" ? [large, small] : [small, large];
        const shapes = [from, [SMALL, LARGE, 4, 4], to, ...(bias ? [[to[1]!]] : [])];
        const [ours, theirs] = await layers([cpu, native], { op, geometry: GEOMETRY, shapes, batch, start });
        for (const [name, { dims, data }] of Object.entries(theirs!)) {
          expect(ours![name]!.dims).toEqual(dims);
          expect(furthest(ours![name]!.data, data), name).toBeLessThan(TOLERANCE);
        }
      }),
      { numRuns: 8, endOnFailure: true },
    );
  },
);

test.each([
  [8, 32, "MatMul"],
  [7, 32, "Gemm"],
  [8, 31, "Gemm"],
])("an image of %i pixels and %i channels: %s", (size, channels, product) => {
  const y = input("y", "float32", ["n", channels, size, size]);
  const w = input("w", "float32", [channels, 32, 4, 4]);
  const x = cpu.convTranspose2d(y, w, undefined, GEOMETRY);
  const { graph } = buildModel({ name: "chosen", inputs: [y, w], outputs: { x } });
  const products = graph.nodes.map(({ opType }) => opType).filter((op) => op === "Gemm" || op === "MatMul");
  expect(new Set(products)).toEqual(new Set([product]));
});

/**
 * Sums of some hundred to some thousand products in float32, made in another way. Seen are up to 3e-6: at five points
 * values round some four times as coarsely as in plain products.
 */
const TOLERANCE = 1e-5;
