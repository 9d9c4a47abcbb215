/** metrics.jsonl: one line a step, and never a line of a step that the run has not taken. */

import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { fileError } from "@onnx-diffusion/diffusion";
import { writeFileAtomic } from "./files.js";

/** A line of `metrics.jsonl`: one training step. */
export interface Metric {
  readonly step: number;
  readonly loss: number;
  /** The loss, smoothed over the steps so far. */
  readonly smoothed: number;
  /** When it was written, ISO 8601. */
  readonly time: string;
}

/** The share of a new loss in the smoothed one (the practical's factor). */
const SMOOTHING = 0.01;

/** The smoothed loss after one more step: 0.99 of the former and 0.01 of the new; the first loss starts it. */
export function smooth(smoothed: number | undefined, loss: number): number {
  return smoothed === undefined ? loss : (1 - SMOOTHING) * smoothed + SMOOTHING * loss;
}

/** Appends lines. @throws UserError if they cannot be written. */
export function appendMetrics(path: string, metrics: readonly Metric[]): void {
  try {
    appendFileSync(path, metrics.map((metric) => `${JSON.stringify(metric)}\n`).join(""));
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}

/** Makes what was appended outlive a power cut; called before the checkpoint that counts on it. */
export function flushMetrics(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The lines of a file; a line that a crash cut short is left out. None if there is no file. */
export function readMetrics(path: string): Metric[] {
  if (!existsSync(path)) return [];
  const metrics: Metric[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const metric = parseMetric(line);
    if (metric !== undefined) metrics.push(metric);
  }
  return metrics;
}

function parseMetric(line: string): Metric | undefined {
  try {
    const { step, loss, smoothed, time } = JSON.parse(line) as Partial<Metric>;
    if (typeof step !== "number" || typeof loss !== "number" || typeof smoothed !== "number")
      return undefined;
    return { step, loss, smoothed, time: String(time) };
  } catch {
    return undefined;
  }
}

/** Drops every line after a step: the run goes on from there and writes them again. */
export function truncateMetrics(path: string, step: number): void {
  if (!existsSync(path)) return;
  const kept = readMetrics(path).filter((metric) => metric.step <= step);
  writeFileAtomic(path, kept.map((metric) => `${JSON.stringify(metric)}\n`).join(""));
}
