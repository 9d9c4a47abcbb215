import { expect, it } from "vitest";
import { barLine, formatTime, plainLine, rateMeter, shareLine } from "../src/progress.js";

it("writes the practical's plain line", () => {
  expect(plainLine(100, 0.12345)).toBe("step:  100 train loss: 0.123");
  expect(plainLine(25000, 0.05)).toBe("step: 25000 train loss: 0.050");
});

it("draws a bar that fits the terminal", () => {
  const progress = { step: 1200, steps: 25000, smoothed: 0.12344, rate: 7.625 };
  expect(barLine(progress, 120)).toBe(
    `step  1200/25000 ━${"╌".repeat(29)} loss 0.1234  7.63 steps/s  52 min 02 s left`,
  );
  for (let columns = 1; columns < 120; columns++) {
    expect(barLine(progress, columns).length).toBeLessThan(columns);
  }
  expect(barLine({ ...progress, step: 25000 }, 120)).toContain("━".repeat(30));
  expect(barLine({ ...progress, rate: undefined }, 120)).not.toContain("left");
  expect(shareLine("reading mnist", 0.5, 120)).toBe(`reading mnist ${"━".repeat(15)}${"╌".repeat(15)} 50 %`);
});

it("says times as people do", () => {
  expect([0.2, 59, 60, 200, 3600, 7500].map(formatTime)).toEqual([
    "1 s",
    "59 s",
    "1 min 00 s",
    "3 min 20 s",
    "1 h 00 min",
    "2 h 05 min",
  ]);
});

it("measures a steady rate exactly and follows a change", () => {
  const meter = rateMeter();
  expect(meter(8, 1)).toBe(8);
  // a weighted mean of equal rates is that rate, up to the rounding of a few sums
  for (let i = 0; i < 10; i++) expect(meter(8, 1)).toBeCloseTo(8, 10);
  let rate = 0;
  for (let i = 0; i < 200; i++) rate = meter(4, 1);
  // after 10 memories (200 s) the old rate's weight is e^-10
  expect(rate).toBeCloseTo(4, 3);
});
