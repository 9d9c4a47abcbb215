import fc from "fast-check";
import { expect, it } from "vitest";
import { chunkSteps, planChunks } from "../src/plan.js";

it("ends chunks at every save and sample, and covers each step once", () => {
  const chunks = [...planChunks({ from: 3, to: 20, stops: [10, 7, 0], most: 4 })];
  expect(chunks.map(({ first, steps }) => [first, first + steps - 1])).toEqual([
    [4, 7],
    [8, 10],
    [11, 14],
    [15, 18],
    [19, 20],
  ]);
});

it("begins with short chunks where asked, each twice as long as the one before", () => {
  const chunks = [...planChunks({ from: 0, to: 40, stops: [], most: 12, begin: 1 })];
  expect(chunks.map(({ steps }) => steps)).toEqual([1, 2, 4, 8, 12, 12, 1]);
});

it("holds for any numbers", () => {
  const count = fc.integer({ min: 0, max: 300 });
  fc.assert(
    fc.property(
      count,
      count,
      fc.array(count, { maxLength: 3 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      (from, more, stops, most, begin) => {
        const to = from + more;
        let done = from;
        for (const { first, steps } of planChunks({ from, to, stops, most, begin: Math.min(begin, most) })) {
          expect(first).toBe(done + 1);
          expect(steps).toBeGreaterThan(0);
          expect(steps).toBeLessThanOrEqual(most);
          for (const every of stops) {
            // no stop lies strictly inside a chunk
            if (every > 0)
              expect(Math.floor((first + steps - 2) / every)).toBe(Math.floor((first - 1) / every));
          }
          done += steps;
        }
        expect(done).toBe(to);
      },
    ),
  );
});

it.each([
  // on the CPU, by the time until a run can be stopped
  ["cpu", 16, 3 * 32 * 32, 24],
  ["cpu", 512, 3 * 32 * 32, 1],
  ["cpu", 16, 3 * 512 * 512, 24],
  ["webgpu", 512, 3 * 32 * 32, 1],
  // on CUDA, so that the state crosses the bus once in many steps
  ["cuda", 1, 3 * 32 * 32, 384],
  ["cuda", 16, 3 * 32 * 32, 24],
  ["cuda", 64, 3 * 32 * 32, 16],
  ["cuda", 512, 3 * 32 * 32, 16],
  // as long as the inputs have room: 5 bytes a value, 128 MiB in all
  ["cuda", 1024, 3 * 32 * 32, 8],
  ["cuda", 64, 3 * 128 * 128, 8],
  ["cuda", 64, 3 * 512 * 512, 6],
  ["cuda", 512, 3 * 512 * 512, 1],
] as const)(
  "a run on %s takes of batches of %i images of %i values %i steps",
  (device, batch, values, steps) => {
    expect(chunkSteps(device, batch, values)).toBe(steps);
  },
);
