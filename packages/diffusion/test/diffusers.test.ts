/** The samplers against Hugging Face diffusers' schedulers; test/reference/diffusers_samplers.py made the numbers. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ddimSampler } from "../src/samplers/ddim.js";
import { samplerNamed } from "../src/samplers/index.js";
import { PRACTICAL_SCHEDULE, scheduleOf } from "../src/schedule.js";
import type { SamplerRow } from "../src/table.js";
import type { Spacing } from "../src/timesteps.js";

interface Case {
  readonly timesteps: readonly number[];
  readonly x: readonly number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("reference/diffusers_samplers.json", import.meta.url), "utf8"),
) as { cases: Record<string, Case> };

const schedule = scheduleOf(PRACTICAL_SCHEDULE);

/** Walks a table in float64, with the network and the noise that the script has. */
function walk(rows: readonly SamplerRow[], timeless: boolean): number[] {
  let x = Array.from({ length: 17 }, (_, i) => -2 + i / 4);
  const estimates: number[][] = [];
  rows.forEach((row, k) => {
    const t = timeless ? 0 : row.timestep;
    const output = x.map((v) => v / (1 + Math.abs(v)) + t / 1000);
    estimates.unshift(x.map((v, i) => row.estimate[0] * v + row.estimate[1] * output[i]!));
    x = x.map((v, i) => {
      const kept = row.estimates.reduce((sum, c, back) => sum + c * estimates[back]![i]!, 0);
      return row.x * v + kept + row.noise * (((7 * k + 3 * i) % 13) / 6 - 1);
    });
  });
  return x;
}

describe.each(Object.entries(cases))("%s", (key, { timesteps, x }) => {
  const [name, spacing, steps] = key.split("/") as [string, Spacing, string];
  const sampler = name === "ddim eta 0.5" ? ddimSampler({ eta: 0.5 }) : samplerNamed(name);
  const rows = sampler(schedule, Number(steps), { spacing });

  test("asks at the same timesteps", () => {
    // Karras' sigmas lie between timesteps: diffusers interpolates, here the nearest is taken.
    const off = spacing === "karras" ? 0.5 : 0;
    expect(rows.length).toBe(timesteps.length);
    for (const [i, row] of rows.entries())
      expect(Math.abs(row.timestep - timesteps[i]!)).toBeLessThanOrEqual(off);
  });

  test("leads to the same x", () => {
    const ours = walk(rows, spacing === "karras");
    // diffusers keeps sigmas in float32 (6e-8) and Euler's and Heun's x too; x grows to 14 on the way.
    const tolerance = name.startsWith("dd") ? 1e-10 : 2e-5;
    ours.forEach((value, i) => {
      expect(Math.abs(value - x[i]!)).toBeLessThan(tolerance);
    });
  });
});
