import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import {
  ddim,
  ddimSampler,
  ddpm,
  dpmpp2m,
  euler,
  heun,
  SAMPLERS,
  samplerNamed,
} from "../src/samplers/index.js";
import { PRACTICAL_SCHEDULE, scheduleOf } from "../src/schedule.js";
import { fillNormals } from "../src/stream.js";
import { type Sampler, type SamplerRow, sample } from "../src/table.js";
import { noiseLevels } from "../src/timesteps.js";

const schedule = scheduleOf(PRACTICAL_SCHEDULE);
const SIZE = 64;
const normals = (index: number): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(SIZE);
  fillNormals(out, { seed: 5, purpose: "noise", index });
  return out;
};
/** Pixels in -1..1. */
const x0 = normals(1).map((z) => Math.max(-1, Math.min(1, z)));

/** alphaBar as the practical has it, not the schedule's. */
function alphaBarAt(t: number): number {
  let sum = 0;
  for (let s = 0; s <= t; s++) sum += Math.log(1 - (((0.02 - 1e-4) * s) / 400 + 1e-4));
  return Math.exp(sum);
}
const ALPHA_BAR = Array.from({ length: 401 }, (_, t) => alphaBarAt(t));

/** The eps that x_t holds when the image is x0. */
function perfect(x: Float32Array, t: number): Float32Array {
  const a = ALPHA_BAR[t]!;
  return x.map((value, i) => (value - Math.sqrt(a) * x0[i]!) / Math.sqrt(1 - a));
}

async function last(
  rows: readonly SamplerRow[],
  denoise: (x: Float32Array, t: number) => Float32Array,
): Promise<Float32Array> {
  let x = normals(0);
  const noise = (out: Float32Array, row: number) => out.set(normals(row + 2));
  for await (const progress of sample({ rows, denoise, x, noise })) x = Float32Array.from(progress.x);
  return x;
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe("ddpm", () => {
  test("with T steps each row is the practical's update", () => {
    const rows = ddpm(schedule, 400);
    expect(rows.map((row) => row.timestep)).toEqual(Array.from({ length: 400 }, (_, i) => 400 - i));
    for (const { timestep: t, x, estimates, noise } of rows) {
      const beta = ((0.02 - 1e-4) * t) / 400 + 1e-4;
      const alpha = 1 - beta;
      // float64 throughout; 1 - alpha loses 4 digits of 16 at beta = 1.5e-4
      expect(Math.abs(x / (1 / Math.sqrt(alpha)) - 1)).toBeLessThan(1e-15);
      expect(estimates.length).toBe(1);
      const eps = -((1 - alpha) / Math.sqrt(1 - ALPHA_BAR[t]!)) / Math.sqrt(alpha);
      expect(Math.abs(estimates[0]! / eps - 1)).toBeLessThan(3e-12);
      const sigma = t === 1 ? 0 : Math.sqrt(beta);
      expect(Math.abs(noise - sigma)).toBeLessThan(1e-12);
    }
  });

  test("with fewer steps each row is the posterior's mean of the shortened chain, in terms of x0", () => {
    for (const steps of [1, 2, 7, 100, 399]) {
      const rows = ddpm(schedule, steps);
      expect(rows.length).toBe(steps);
      for (const [i, { timestep: t, x, estimates, noise }] of rows.entries()) {
        const before = rows[i + 1]?.timestep ?? 0;
        const now = ALPHA_BAR[t]!;
        const then = ALPHA_BAR[before]!;
        const beta = 1 - now / then;
        // Ho et al., equation 7: the mean weighs x0 and x_t; x_t = sqrt(now) x0 + sqrt(1 - now) eps
        const weightX0 = (Math.sqrt(then) * beta) / (1 - now);
        const weightXt = (Math.sqrt(now / then) * (1 - then)) / (1 - now);
        const weightX = weightXt + weightX0 / Math.sqrt(now);
        const weightEps = (-weightX0 * Math.sqrt(1 - now)) / Math.sqrt(now);
        // beta as a difference of numbers near 1 keeps 12 digits, and weightX0 inherits that
        expect(Math.abs(x / weightX - 1)).toBeLessThan(1e-11);
        expect(Math.abs(estimates[0]! / weightEps - 1)).toBeLessThan(1e-11);
        expect(Math.abs(noise - (before === 0 ? 0 : Math.sqrt(beta)))).toBeLessThan(1e-11);
      }
    }
  });

  test("a perfect denoiser leads to x0, but for the trace of noise that t = 0 has", async () => {
    for (const steps of [400, 50, 1]) {
      const rows = ddpm(schedule, steps);
      const { timestep } = rows.at(-1)!;
      let eps = new Float32Array(SIZE);
      const x = await last(rows, (xt, t) => {
        eps = Float32Array.from(perfect(xt, t));
        return eps;
      });
      // from x_t the mean of x_0's level is sqrt(A0) x0 + sqrt(A_t / A0) (1 - A0) / sqrt(1 - A_t) eps (equation 7)
      const first = ALPHA_BAR[0]!;
      const now = ALPHA_BAR[timestep]!;
      const trace = (Math.sqrt(now / first) * (1 - first)) / Math.sqrt(1 - now);
      const expected = x0.map((value, i) => Math.sqrt(first) * value + trace * eps[i]!);
      // eps is off by float32's rounding of x (6e-8 * 4) over sqrt(1 - A_t), which the row takes back
      // to about as much again; with one step x_T's rounding counts by 1 / sqrt(alphaBar_T) = 7.5
      expect(largestDifference(x, expected)).toBeLessThan(5e-6);
      // and the trace itself: below 0.0064 of eps, and eps below 4.5
      expect(largestDifference(x, x0)).toBeLessThan(0.03);
    }
  });
});

describe("ddim", () => {
  test.each([400, 50, 7, 1])("a perfect denoiser leads to x0 in %d steps", async (steps) => {
    // float32 rounds x by 2.4e-7 at most; the last rows carry it on by factors under 8 (1 / sqrt(alphaBar_T))
    expect(largestDifference(await last(ddim(schedule, steps), perfect), x0)).toBeLessThan(5e-6);
    const noisy = ddimSampler({ eta: 1 })(schedule, steps);
    expect(largestDifference(await last(noisy, perfect), x0)).toBeLessThan(5e-6);
  });

  test.each([0, 0.3, 1])("rows with eta = %d keep the noise level of every timestep", (eta) => {
    const rows = ddimSampler({ eta })(schedule, 20);
    for (const [i, row] of rows.entries()) {
      const now = ALPHA_BAR[row.timestep]!;
      const next = rows[i + 1]?.timestep;
      const then = next === undefined ? 1 : ALPHA_BAR[next]!;
      // x = sqrt(now) x0 + sqrt(1 - now) eps goes in: the shares of x0 and noise that come out
      const image = row.x * Math.sqrt(now);
      const noise = Math.hypot(row.x * Math.sqrt(1 - now) + row.estimates[0]!, row.noise);
      // float64; a share of noise near 0 at the end is a difference of numbers near 0.02
      expect(Math.abs(image - Math.sqrt(then))).toBeLessThan(1e-12);
      expect(Math.abs(noise - Math.sqrt(1 - then))).toBeLessThan(1e-12);
      if (eta === 0) expect(row.noise).toBe(0);
      if (eta === 1 && next !== undefined) {
        // the posterior's deviation, Ho et al., equation 7
        const posterior = Math.sqrt(((1 - then) / (1 - now)) * (1 - now / then));
        expect(Math.abs(row.noise - posterior)).toBeLessThan(1e-12);
      }
    }
  });

  test("eta asked for with the steps goes before the sampler's own", () => {
    const of = (eta: number) => ddimSampler({ eta })(schedule, 5);
    expect(ddimSampler({ eta: 0.3 })(schedule, 5, { eta: 1 })).toEqual(of(1));
    expect(ddimSampler()(schedule, 5, { eta: 0.3 })).toEqual(of(0.3));
    expect(() => ddimSampler()(schedule, 5, { eta: -1 })).toThrow("found -1");
  });

  test("eta out of range", () => {
    expect(() => ddimSampler({ eta: 1.5 })).toThrow(
      new UserError("DDIM's eta: found 1.5, expected a number in 0..1"),
    );
    expect(() => ddimSampler({ eta: Number.NaN })).toThrow("found NaN");
  });
});

/** Curved in x and t, so that the orders of methods differ. */
const curved = (x: readonly number[], t: number): number[] => x.map((v) => Math.tanh(v) + t / 1000);
const X_T = [-2, -0.3, 0.1, 1.7];

/** The table, in float64. */
function walk(rows: readonly SamplerRow[]): number[] {
  let x = X_T;
  const estimates: number[][] = [];
  for (const row of rows) {
    const output = curved(x, row.timestep);
    estimates.unshift(x.map((v, i) => row.estimate[0] * v + row.estimate[1] * output[i]!));
    x = x.map((v, i) => row.estimates.reduce((sum, c, back) => sum + c * estimates[back]![i]!, row.x * v));
  }
  return x;
}

// The papers' own coordinates in float64, where the tables have theirs: rounding alone differs, at most 12 digits are
// left of 1 - alphaBar, and x grows to about 10.
const REFERENCE_TOLERANCE = 1e-10;

describe.each([1, 2, 9, 60])("in %d steps", (steps) => {
  const ts = [...noiseLevels(schedule, steps).map((level) => level.timestep), 0];
  const bars = ts.map((t) => (t === 0 ? 1 : ALPHA_BAR[t]!));
  const sigmas = bars.map((a) => Math.sqrt((1 - a) / a));

  test.each([
    ["euler", euler],
    ["heun", heun],
  ] as const)("%s is Karras et al.'s algorithm 1", (name, sampler) => {
    let xHat = X_T.map((v) => v / Math.sqrt(bars[0]!));
    const slope = (at: readonly number[], i: number) =>
      curved(
        at.map((v) => v * Math.sqrt(bars[i]!)),
        ts[i]!,
      );
    for (let i = 0; i < steps; i++) {
      const h = sigmas[i + 1]! - sigmas[i]!;
      const d = slope(xHat, i);
      const there = xHat.map((v, k) => v + h * d[k]!);
      if (name === "euler" || i === steps - 1) xHat = there;
      else {
        const dThere = slope(there, i + 1);
        xHat = xHat.map((v, k) => v + (h * (d[k]! + dThere[k]!)) / 2);
      }
    }
    walk(sampler(schedule, steps)).forEach((v, k) => {
      expect(Math.abs(v - xHat[k]!)).toBeLessThan(REFERENCE_TOLERANCE);
    });
  });

  test("dpm++2m is Lu et al.'s algorithm 2", () => {
    const lambda = sigmas.map((s) => -Math.log(s));
    let x = X_T;
    let before: number[] = [];
    for (let i = 1; i <= steps; i++) {
      const [a, s] = [Math.sqrt(bars[i - 1]!), Math.sqrt(1 - bars[i - 1]!)];
      const eps = curved(x, ts[i - 1]!);
      const x0 = x.map((v, k) => (v - s * eps[k]!) / a);
      const h = lambda[i]! - lambda[i - 1]!;
      const r = (lambda[i - 1]! - lambda[i - 2]!) / h;
      const D =
        i === 1 || i === steps ? x0 : x0.map((v, k) => (1 + 1 / (2 * r)) * v - (1 / (2 * r)) * before[k]!);
      x = x.map((v, k) => (Math.sqrt(1 - bars[i]!) / s) * v - Math.sqrt(bars[i]!) * Math.expm1(-h) * D[k]!);
      before = x0;
    }
    walk(dpmpp2m(schedule, steps)).forEach((v, k) => {
      expect(Math.abs(v - x[k]!)).toBeLessThan(REFERENCE_TOLERANCE);
    });
  });
});

describe("the methods' orders", () => {
  /** Distance of n steps from a solution of many more, between fixed noise levels (T and where sigma is 0.2). */
  const errors = (sampler: Sampler): number[] => {
    const reach = (steps: number) => walk(sampler(schedule, steps, { spacing: "karras" }));
    const exact = walk(heun(schedule, 400, { spacing: "karras" }));
    return [20, 40].map((n) => Math.hypot(...reach(n).map((v, i) => v - exact[i]!)));
  };
  test("twice the steps halve Euler's error and divide the others' by about four", () => {
    const [euler20, euler40] = errors(euler) as [number, number];
    expect(euler20 / euler40).toBeGreaterThan(1.7);
    expect(euler20 / euler40).toBeLessThan(2.5);
    for (const sampler of [heun, dpmpp2m]) {
      const [at20, at40] = errors(sampler) as [number, number];
      expect(at20 / at40).toBeGreaterThan(2.8);
      expect(at20).toBeLessThan(euler20 / 2);
    }
  });
});

// DDPM's fresh noise, of variance beta, is more than a shortened chain leaves at t = 1; its own test is above.
describe.each(Object.entries({ ddim, euler, heun, dpmpp2m }))("%s, a perfect denoiser", (_, sampler) => {
  // perfect() knows x0 at whole timesteps, which Karras' levels are not
  test.each(["trailing", "leading", "linspace"] as const)("leads to x0 with spacing %s", async (spacing) => {
    const x = await last(sampler(schedule, 12, { spacing }), perfect);
    // as DDIM's above
    expect(largestDifference(x, x0)).toBeLessThan(5e-6);
  });
});

describe.each(Object.entries<Sampler>(SAMPLERS))("%s, as every sampler", (name, sampler) => {
  test("is found by its name", () => {
    expect(samplerNamed(name)).toBe(sampler);
  });

  test.each([1, 10, 400])("starts at T, ends without noise, stays in 1..T in %d steps", (steps) => {
    const rows = sampler(schedule, steps);
    expect(rows[0]?.timestep).toBe(400);
    expect(rows.at(-1)?.noise).toBe(0);
    for (const row of rows) {
      expect(row.timestep >= 1 && row.timestep <= 400 && Number.isInteger(row.timestep)).toBe(true);
      for (const value of [row.x, row.noise, ...row.estimates]) expect(Number.isFinite(value)).toBe(true);
    }
  });

  test.each([0, -1, 1.5, 401, Number.NaN])("refuses %d steps", (steps) => {
    expect(() => sampler(schedule, steps)).toThrow(UserError);
  });

  test("without its first steps it is the rest of its table, or begins anew where it looks back", () => {
    const rows = sampler(schedule, 10, { skip: 4 });
    const rest = sampler(schedule, 10).slice(-rows.length);
    expect(rows.map((row) => row.timestep)).toEqual(rest.map((row) => row.timestep));
    expect(rows[0]!.timestep).toBe(240);
    const lookingBack = rest.findIndex(({ estimates }, i) => estimates.length > i + 1);
    expect(rows.slice(lookingBack + 1)).toEqual(rest.slice(lookingBack + 1));
    expect(rows.every(({ estimates }, i) => estimates.length <= i + 1)).toBe(true);
    expect(() => sampler(schedule, 10, { skip: 10 })).toThrow(
      new UserError("steps to skip: found 10, expected an integer in 0..9"),
    );
  });

  test("the same rows every time", () => {
    expect(sampler(schedule, 10)).toEqual(sampler(schedule, 10));
  });
});

test("a sampler that is none", () => {
  expect(() => samplerNamed("toString")).toThrow(
    new UserError('sampler: found "toString", expected one of ddpm, ddim, euler, heun, dpm++2m', {
      usage: true,
    }),
  );
});
