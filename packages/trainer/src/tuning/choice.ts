/** Which form a convolution takes, from times that other programs on the machine have a part in. */

import type { ConvolutionForm } from "@onnx-diffusion/diffusion";
import type { Timings } from "./measure.js";

/** A form that gains less is not worth another graph. */
const LEAST_GAIN = 0.02;

/**
 * The usual form, or the fastest of those that are faster: by 2 % in the median round, and in so many rounds as chance would give to
 * equal ones once in forty times. Times are compared within a round: what slows a machine down lasts longer.
 */
export function chooseForm(timings: Timings, usual: ConvolutionForm): ConvolutionForm {
  const base = timings.get(usual)!;
  let [form, least] = [usual, 1 - LEAST_GAIN];
  for (const [other, times] of timings) {
    const ratios = times.map((time, i) => time / base[i]!);
    const ratio = median(ratios);
    if (ratio >= least || !isBeyondChance(ratios.filter((r) => r < 1).length, ratios.length)) continue;
    [form, least] = [other, ratio];
  }
  return form;
}

/** Two standard deviations of as many throws of a coin above their mean. */
const isBeyondChance = (wins: number, rounds: number): boolean => wins >= rounds / 2 + Math.sqrt(rounds);

/** The middle of the sorted values, the mean of two where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
