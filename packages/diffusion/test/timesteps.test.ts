import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { linearSchedule, PRACTICAL_SCHEDULE, scheduleOf } from "../src/schedule.js";
import { noiseLevels, SPACINGS, type Spacing } from "../src/timesteps.js";

const schedule = scheduleOf(PRACTICAL_SCHEDULE);
const timesteps = (steps: number, spacing: Spacing) =>
  noiseLevels(schedule, steps, spacing).map((level) => level.timestep);

test("timesteps by hand", () => {
  expect(timesteps(4, "trailing")).toEqual([400, 300, 200, 100]);
  expect(timesteps(4, "leading")).toEqual([301, 201, 101, 1]);
  expect(timesteps(4, "linspace")).toEqual([400, 267, 134, 1]);
  expect(timesteps(3, "trailing")).toEqual([400, 267, 133]);
  // 387.5 and 362.5 go to the even number
  expect(timesteps(32, "trailing").slice(0, 4)).toEqual([400, 388, 375, 362]);
  for (const spacing of ["trailing", "linspace", "karras"] as const)
    expect(timesteps(1, spacing)).toEqual([400]);
  expect(timesteps(1, "leading")).toEqual([1]);
});

test("Karras' levels have equal steps in the seventh root of sigma", () => {
  const levels = noiseLevels(schedule, 20, "karras");
  const roots = levels.map(({ alphaBar }) => ((1 - alphaBar) / alphaBar) ** (1 / 14));
  const step = (roots[19]! - roots[0]!) / 19;
  // float64; 1 - alphaBar keeps 12 digits where alphaBar is near 1
  roots.forEach((root, i) => {
    expect(Math.abs(root - (roots[0]! + i * step))).toBeLessThan(1e-12);
  });
  expect(levels[0]!.timestep).toBe(400);
  expect(levels[19]!.timestep).toBe(1);
});

describe.each(Object.keys(SPACINGS) as Spacing[])("%s", (spacing) => {
  test("as many levels as steps, less noise at each, timesteps in 1..T", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (a, b) => {
        const [steps, T] = a < b ? [a, b] : [b, a];
        const levels = noiseLevels(linearSchedule({ T, betaStart: 1e-4, betaEnd: 0.02 }), steps, spacing);
        expect(levels.length).toBe(steps);
        levels.forEach(({ timestep, alphaBar }, i) => {
          expect(Number.isInteger(timestep) && timestep >= 1 && timestep <= T).toBe(true);
          if (i > 0) expect(alphaBar).toBeGreaterThan(levels[i - 1]!.alphaBar);
        });
      }),
      { numRuns: 50 },
    );
  });

  test.each([0, -1, 1.5, 401, Number.NaN])("refuses %d steps", (steps) => {
    expect(() => noiseLevels(schedule, steps, spacing)).toThrow(
      new UserError(`sampling steps: found ${steps}, expected an integer in 1..400, the model's T`),
    );
  });
});

test("a spacing that is none", () => {
  expect(() => noiseLevels(schedule, 4, "toString" as Spacing)).toThrow(
    'spacing: found "toString", expected one of trailing, leading, linspace, karras',
  );
});
