import { expect, it } from "vitest";
import { describeSampler, usualSampler } from "../src/usual-sampler.js";

const schedule = { kind: "linear", T: 400, betaStart: 1e-4, betaEnd: 0.02 } as const;

it.each([
  [true, 400, "DDIM in 20 steps"],
  [true, 5, "DDIM in 5 steps"],
  [false, 400, "DDPM in 400 steps"],
  [false, 5, "DDPM in 5 steps"],
])("a network that is told the time (%s) of T = %i is drawn with by %s", (timestep, T, words) => {
  expect(describeSampler(usualSampler({ timestep, schedule: { ...schedule, T } }))).toBe(words);
});
