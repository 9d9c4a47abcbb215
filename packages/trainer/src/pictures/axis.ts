/** Axes: where a value lies, and which values get a tick. */

import { withCommas } from "./theme.js";

export interface Axis {
  readonly kind: "linear" | "log";
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly Tick[];
  /** 0 at `low`, 1 at `high`; beyond them outside 0..1. Not finite where the axis has no place for the value. */
  position(value: number): number;
}

interface Tick {
  readonly value: number;
  readonly label: string;
}

/** A linear axis from low to high with about `count` ticks at 1, 2 or 5 times a power of ten. */
export function linearAxis(low: number, high: number, count: number, leastStep = 0): Axis {
  const step = Math.max(leastStep, niceStep((high - low) / count));
  const ticks: Tick[] = [];
  // A tick on the very end counts, whatever rounding says.
  const last = Math.floor(high / step + 1e-6);
  for (let k = Math.ceil(low / step - 1e-6); k <= last; k++) {
    ticks.push({ value: k * step, label: fixedLabel(k * step, step) });
  }
  const position = (value: number) => (value - low) / (high - low);
  return { kind: "linear", low, high, ticks, position };
}

/** A logarithmic axis; its ticks are 1, 2 and 5 times powers of ten, or powers of ten alone over many decades. */
export function logAxis(low: number, high: number): Axis {
  const decades = Math.log10(high / low);
  const multiples = decades > 3 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / 8));
  const ticks: Tick[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    if (e % every !== 0) continue;
    for (const multiple of multiples) {
      const value = Number(`${multiple}e${e}`);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
        ticks.push({ value, label: powerLabel(multiple, e) });
      }
    }
  }
  const position = (value: number) => Math.log(value / low) / Math.log(high / low);
  return { kind: "log", low, high, ticks, position };
}

/** The next of 1, 2, 5, 10, ... times a power of ten. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= step * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function fixedLabel(value: number, step: number): string {
  if (value === 0) return "0";
  if (value < 0) return `−${fixedLabel(-value, step)}`;
  if (value >= 1e7 || step < 1e-6) return shortExponent(value.toExponential(2));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const [whole, rest] = value.toFixed(decimals).split(".") as [string, string?];
  return rest === undefined ? withCommas(Number(whole)) : `${whole}.${rest}`;
}

function powerLabel(multiple: number, exponent: number): string {
  if (exponent < -4 || exponent > 5) return `${multiple}e${exponent}`.replace("-", "−");
  const value = Number(`${multiple}e${exponent}`);
  return exponent < 0 ? value.toFixed(-exponent) : withCommas(value);
}

/** `1.20e+7` as `1.2e7`. */
function shortExponent(text: string): string {
  return text
    .replace(/\.?0+e/u, "e")
    .replace("e+", "e")
    .replace("-", "−");
}
