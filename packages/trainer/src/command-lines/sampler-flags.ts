/** The flags of every command that draws images. */

import { SAMPLERS, type SamplerName, SPACINGS, type Spacing, UserError } from "@onnx-diffusion/diffusion";
import { oneOf } from "../flags.js";
import { given, MOST, MOST_STEPS, number, type Typed, text, whole } from "./command.js";

export const SAMPLER_FLAGS = {
  seed: number("Seed; image i of a seed is always the same", 0),
  steps: number("Steps of the sampler", "the model's T"),
  sampler: text(`${Object.keys(SAMPLERS).join(", ")} [default: ddpm]`),
  spacing: text(`Noise levels of the steps: ${Object.keys(SPACINGS).join(", ")} [default: trailing]`),
  guidance: text(
    "Lean towards the class by this weight: 0 to 20, some 3 make digits plain; twice the work [default: none]",
  ),
  device: text("cpu, cuda, webgpu [default: cpu]"),
  threads: number("Threads of the runtime", "all cores"),
};

export interface SamplerChoice {
  readonly seed: number;
  /** Undefined: the model's T. */
  readonly steps: number | undefined;
  readonly sampler: SamplerName;
  readonly spacing: Spacing;
  /** The weight of guidance, above 0; undefined: none, or what the model has inside. */
  readonly guidance: number | undefined;
  readonly device: "cpu" | "cuda" | "webgpu";
  readonly threads: number | undefined;
}

export function samplerChoice(typed: Typed): SamplerChoice {
  return {
    seed: whole(typed, "seed", 0, MOST) ?? 0,
    steps: whole(typed, "steps", 1, MOST_STEPS),
    sampler: oneOf("--sampler", given(typed, "sampler") ?? "ddpm", Object.keys(SAMPLERS) as SamplerName[]),
    spacing: oneOf("--spacing", given(typed, "spacing") ?? "trailing", Object.keys(SPACINGS) as Spacing[]),
    guidance: guidanceWeight(typed),
    device: oneOf("--device", given(typed, "device") ?? "cpu", ["cpu", "cuda", "webgpu"]),
    threads: whole(typed, "threads", 1, 1024),
  };
}

/** A larger weight paints every pixel black or white. */
const STRONGEST = 20;

/** The weight of `--guidance`; undefined where there is none, or 0. */
export function guidanceWeight(typed: Typed): number | undefined {
  const text = given(typed, "guidance");
  if (text === undefined) return undefined;
  const weight = Number(text);
  if (text.trim() === "" || !(weight >= 0 && weight <= STRONGEST)) {
    throw new UserError(`--guidance: found "${text}", expected a number in 0..${STRONGEST}`, { usage: true });
  }
  return weight === 0 ? undefined : weight;
}
