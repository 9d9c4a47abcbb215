import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { appendMetrics, readMetrics, smooth, truncateMetrics } from "../src/metrics.js";

const time = "2026-01-01T00:00:00.000Z";
const metric = (step: number) => ({ step, loss: 1 / step, smoothed: 0.5, time });

function temporaryFile(): string {
  return join(mkdtempSync(join(tmpdir(), "metrics-")), "metrics.jsonl");
}

it("keeps lines up to a step, and drops later ones and one that was cut short", () => {
  const path = temporaryFile();
  appendMetrics(path, [metric(1), metric(2)]);
  appendMetrics(path, [metric(3)]);
  writeFileSync(path, `${readFileSync(path, "utf8")}{"step":4,"lo`);
  expect(readMetrics(path)).toEqual([metric(1), metric(2), metric(3)]);
  truncateMetrics(path, 2);
  expect(readFileSync(path, "utf8")).toBe(`${JSON.stringify(metric(1))}\n${JSON.stringify(metric(2))}\n`);
  appendMetrics(path, [metric(3)]);
  expect(readMetrics(path).map(({ step }) => step)).toEqual([1, 2, 3]);
});

it("takes a missing file for an empty one", () => {
  const path = temporaryFile();
  truncateMetrics(path, 0);
  expect(readMetrics(path)).toEqual([]);
});

it("smooths as the practical does", () => {
  // by hand: 2, then 0.99 * 2 + 0.01 * 1
  expect(smooth(undefined, 2)).toBe(2);
  expect(smooth(2, 1)).toBeCloseTo(1.99, 12);
});
