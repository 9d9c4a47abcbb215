import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { linearSchedule, PRACTICAL_SCHEDULE, scheduleOf } from "../src/schedule.js";

describe("the practical's schedule", () => {
  const schedule = scheduleOf(PRACTICAL_SCHEDULE);

  test("its ends, by hand", () => {
    expect(schedule.T).toBe(400);
    expect(schedule.spec).toEqual(PRACTICAL_SCHEDULE);
    expect(schedule.beta.length).toBe(401);
    expect(schedule.beta[0]).toBe(Math.fround(1e-4));
    expect(schedule.beta[400]).toBe(Math.fround(0.02));
    expect(schedule.float64.beta[200]).toBeCloseTo(0.01005, 16);
    // alphaBar begins with alpha_0, so alphaBar_1 holds two factors
    expect(schedule.float64.alphaBar[0]).toBe(1 - 1e-4);
    expect(schedule.float64.alphaBar[1]).toBeCloseTo(0.9999 * (1 - 1.4975e-4), 15);
  });

  test("every table at every t, by the practical's own formulae", () => {
    let sum = 0;
    for (let t = 0; t <= 400; t++) {
      const beta = ((0.02 - 1e-4) * t) / 400 + 1e-4;
      sum += Math.log(1 - beta);
      const alphaBar = Math.exp(sum);
      const expected = {
        beta,
        alpha: 1 - beta,
        alphaBar,
        sqrtAlphaBar: Math.sqrt(alphaBar),
        sqrtOneMinusAlphaBar: Math.sqrt(1 - alphaBar),
        oneOverSqrtAlpha: 1 / Math.sqrt(1 - beta),
        epsScale: (1 - (1 - beta)) / Math.sqrt(1 - alphaBar),
        sigma: Math.sqrt(beta),
      };
      for (const [name, value] of Object.entries(expected)) {
        const key = name as keyof typeof expected;
        // 401 sums or products err by 401 * 1.1e-16 at most; 1 - (1 - beta) loses 4 digits at beta = 1e-4
        expect(Math.abs(schedule.float64[key][t]! / value - 1)).toBeLessThan(3e-12);
        expect(schedule[key][t]).toBe(Math.fround(schedule.float64[key][t]!));
      }
    }
  });
});

test("any schedule: alphaBar falls from alpha_0, and the shares of image and noise square to 1", () => {
  const specs = fc.record({
    T: fc.integer({ min: 1, max: 500 }),
    betaStart: fc.double({ min: 1e-6, max: 0.01, noNaN: true }),
    betaEnd: fc.double({ min: 0.01, max: 0.1, noNaN: true }),
  });
  fc.assert(
    fc.property(specs, (spec) => {
      const { alphaBar, sqrtAlphaBar, sqrtOneMinusAlphaBar } = linearSchedule(spec).float64;
      for (let t = 1; t <= spec.T; t++) {
        expect(alphaBar[t]!).toBeLessThan(alphaBar[t - 1]!);
        // three roundings of numbers up to 1
        expect(Math.abs(sqrtAlphaBar[t]! ** 2 + sqrtOneMinusAlphaBar[t]! ** 2 - 1)).toBeLessThan(1e-15);
      }
    }),
    { numRuns: 30 },
  );
});

test.each([
  [{ T: 0, betaStart: 1e-4, betaEnd: 0.02 }, "schedule.T: found 0, expected an integer in 1..65535"],
  [{ T: 1.5, betaStart: 1e-4, betaEnd: 0.02 }, "schedule.T: found 1.5, expected an integer in 1..65535"],
  [
    { T: 4, betaStart: 0, betaEnd: 0.02 },
    "schedule.betaStart: found 0, expected a number above 0 and below 1",
  ],
  [
    { T: 4, betaStart: 0.1, betaEnd: 0.02 },
    "schedule.betaEnd: found 0.02, expected betaStart (0.1) or more, below 1",
  ],
  [
    { T: 4, betaStart: 0.1, betaEnd: Number.NaN },
    "schedule.betaEnd: found NaN, expected betaStart (0.1) or more, below 1",
  ],
])("a schedule that is none: %o", (spec, message) => {
  expect(() => linearSchedule(spec)).toThrow(new UserError(message));
});

test("a schedule that leaves nothing of the image", () => {
  expect(() => linearSchedule({ T: 1000, betaStart: 0.5, betaEnd: 0.5 })).toThrow(
    /^schedule: found alphaBar = /,
  );
});
