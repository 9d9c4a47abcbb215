/**
 * The noise schedule of denoising diffusion: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020),
 * section 2. Computed in float64; delivered as float32 tables, which graphs and tensors hold, with float64 ones for
 * arithmetic that goes on (sampler coefficients).
 */

import { UserError } from "./errors.js";
import type { AlphaBarsSpec, BetasSpec, LinearScheduleSpec, ScheduleSpec } from "./manifest.js";

/** Tables indexed by the timestep t = 0..T, each of length T + 1. Training and sampling use t = 1..T. */
export interface ScheduleTables<Numbers> {
  readonly beta: Numbers;
  /** 1 - beta_t. */
  readonly alpha: Numbers;
  /** The product of alpha_0 .. alpha_t. */
  readonly alphaBar: Numbers;
  /** The share of x0 in x_t. */
  readonly sqrtAlphaBar: Numbers;
  /** The share of eps in x_t. */
  readonly sqrtOneMinusAlphaBar: Numbers;
  readonly oneOverSqrtAlpha: Numbers;
  /** (1 - alpha_t) / sqrt(1 - alphaBar_t): how much of the predicted eps a DDPM step takes away (equation 11). */
  readonly epsScale: Numbers;
  /** sqrt(beta_t): the fresh noise of a DDPM step. */
  readonly sigma: Numbers;
}

export interface Schedule extends ScheduleTables<Float32Array<ArrayBuffer>> {
  readonly spec: ScheduleSpec;
  /** The number of noise levels. */
  readonly T: number;
  /** The same tables before they were rounded to float32. */
  readonly float64: ScheduleTables<Float64Array<ArrayBuffer>>;
}

/** The practical's schedule. */
export const PRACTICAL_SCHEDULE = {
  kind: "linear",
  T: 400,
  betaStart: 1e-4,
  betaEnd: 0.02,
} as const satisfies LinearScheduleSpec;

/** T is at most this; {@link imageNoiseIndex} counts rows in 16 bits. */
const LARGEST_T = 65535;

/** Below this 1 / sqrt(alphaBar), by which an image is recovered from x_T, leaves the range of float32 sums. */
const SMALLEST_ALPHA_BAR = 1e-30;

/**
 * beta_t = (betaEnd - betaStart) * t / T + betaStart for t = 0..T, and everything that follows from it.
 *
 * alphaBar_t = exp(log alpha_0 + ... + log alpha_t) is taken as the product that it is: IEEE 754 fixes products and
 * square roots, so the tables are the same bits in every engine, which exp and log would not be.
 *
 * @param spec.T the number of noise levels, 1..65535.
 * @param spec.betaStart beta_0, and `betaEnd` = beta_T: 0 < betaStart <= betaEnd < 1.
 * @throws UserError if a number is out of its range, or alphaBar_T under 1e-30.
 */
export function linearSchedule(spec: Omit<LinearScheduleSpec, "kind">): Schedule {
  const { T, betaStart, betaEnd } = spec;
  checkT("schedule.T", T);
  if (!(betaStart > 0 && betaStart < 1)) {
    throw new UserError(`schedule.betaStart: found ${betaStart}, expected a number above 0 and below 1`);
  }
  if (!(betaEnd >= betaStart && betaEnd < 1)) {
    throw new UserError(
      `schedule.betaEnd: found ${betaEnd}, expected betaStart (${betaStart}) or more, below 1`,
    );
  }

  const beta = Float64Array.from({ length: T + 1 }, (_, t) => ((betaEnd - betaStart) * t) / T + betaStart);
  const alphaBar = products(beta);
  checkLast("schedule", alphaBar);
  return tables({ kind: "linear", T, betaStart, betaEnd }, beta, alphaBar);
}

/**
 * beta_1..beta_T as given.
 *
 * @throws UserError if there are none or too many, one is not between 0 and 1, or alphaBar_T is under 1e-30.
 */
function betasSchedule(spec: BetasSpec): Schedule {
  checkT("schedule.betas", spec.betas.length);
  for (const [i, b] of spec.betas.entries()) {
    if (!(b > 0 && b < 1)) throw outOfRange(`betas[${i}]`, b, "a number above 0 and below 1");
  }
  const beta = Float64Array.of(0, ...spec.betas);
  const alphaBar = products(beta);
  checkLast("schedule.betas", alphaBar);
  return tables(spec, beta, alphaBar);
}

/**
 * alphaBar_1..alphaBar_T as given.
 *
 * @throws UserError if there are none or too many, one is not below the one before it, or alphaBar_T is under 1e-30.
 */
function alphaBarsSchedule(spec: AlphaBarsSpec): Schedule {
  checkT("schedule.alphaBars", spec.alphaBars.length);
  const alphaBar = Float64Array.of(1, ...spec.alphaBars);
  for (const [i, a] of spec.alphaBars.entries()) {
    const before = alphaBar[i]!;
    if (!(a < before)) throw outOfRange(`alphaBars[${i}]`, a, `less than ${before}, the one before it`);
  }
  checkLast("schedule.alphaBars", alphaBar);
  const beta = alphaBar.map((a, t) => (t === 0 ? 0 : 1 - a / alphaBar[t - 1]!));
  return tables(spec, beta, alphaBar);
}

function checkT(where: string, T: number): void {
  if (Number.isInteger(T) && T >= 1 && T <= LARGEST_T) return;
  const counted = where === "schedule.T" ? "" : " numbers";
  throw new UserError(
    `${where}: found ${T}${counted}, expected ${counted === "" ? "an integer in 1" : "1"}..${LARGEST_T}`,
  );
}

const outOfRange = (field: string, found: number, expected: string): UserError =>
  new UserError(`schedule.${field}: found ${found}, expected ${expected}`);

function checkLast(where: string, alphaBar: Float64Array): void {
  const last = alphaBar.at(-1)!;
  if (last >= SMALLEST_ALPHA_BAR) return;
  throw new UserError(
    `${where}: found alphaBar = ${last} at T = ${alphaBar.length - 1}, expected ${SMALLEST_ALPHA_BAR} or more; take fewer or smaller betas`,
  );
}

function products(beta: Float64Array): Float64Array<ArrayBuffer> {
  let product = 1;
  return Float64Array.from(beta, (b) => {
    product *= 1 - b;
    return product;
  });
}

function tables(
  spec: ScheduleSpec,
  beta: Float64Array<ArrayBuffer>,
  alphaBar: Float64Array<ArrayBuffer>,
): Schedule {
  const alpha = beta.map((b) => 1 - b);
  const float64: ScheduleTables<Float64Array<ArrayBuffer>> = {
    beta,
    alpha,
    alphaBar,
    sqrtAlphaBar: alphaBar.map(Math.sqrt),
    sqrtOneMinusAlphaBar: alphaBar.map((a) => Math.sqrt(1 - a)),
    oneOverSqrtAlpha: alpha.map((a) => 1 / Math.sqrt(a)),
    // where nothing was added, nothing is taken away
    epsScale: beta.map((b, t) => (b === 0 ? 0 : b / Math.sqrt(1 - alphaBar[t]!))),
    sigma: beta.map(Math.sqrt),
  };
  return {
    spec,
    T: beta.length - 1,
    beta: Float32Array.from(float64.beta),
    alpha: Float32Array.from(float64.alpha),
    alphaBar: Float32Array.from(float64.alphaBar),
    sqrtAlphaBar: Float32Array.from(float64.sqrtAlphaBar),
    sqrtOneMinusAlphaBar: Float32Array.from(float64.sqrtOneMinusAlphaBar),
    oneOverSqrtAlpha: Float32Array.from(float64.oneOverSqrtAlpha),
    epsScale: Float32Array.from(float64.epsScale),
    sigma: Float32Array.from(float64.sigma),
    float64,
  };
}

/** The schedule that a manifest names. @throws UserError naming the number that is out of its range. */
export function scheduleOf(spec: ScheduleSpec): Schedule {
  switch (spec.kind) {
    case "linear":
      return linearSchedule(spec);
    case "betas":
      return betasSchedule(spec);
    case "alphaBars":
      return alphaBarsSchedule(spec);
  }
}

/** A schedule in words. */
export function describeSchedule(spec: ScheduleSpec): string {
  return spec.kind === "linear"
    ? `linear, T = ${spec.T}, beta ${spec.betaStart} to ${spec.betaEnd}`
    : `${spec.kind}, T = ${spec.T}`;
}
