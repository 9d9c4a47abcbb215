import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { linearAxis, logAxis } from "../src/pictures/axis.js";
import { curveSvg } from "../src/pictures/curve.js";
import { type CurvePoint, lossCurve } from "../src/pictures/index.js";
import { linePath } from "../src/pictures/line.js";

const labels = (axis: { ticks: readonly { label: string }[] }) => axis.ticks.map((tick) => tick.label);

/** A run whose losses fall as a diffusion model's do, with noise of a fixed kind. */
function run(steps: number, change = (_: number, loss: number) => loss): CurvePoint[] {
  let smoothed: number | undefined;
  return Array.from({ length: steps }, (_, i) => {
    const noise = Math.exp(0.3 * Math.sin(i * 12.9898) * Math.cos(i * 4.1));
    const loss = change(i + 1, (0.055 + 1.1 * Math.exp(-i / 60)) * noise);
    if (Number.isFinite(loss)) smoothed = smoothed === undefined ? loss : 0.99 * smoothed + 0.01 * loss;
    return { step: i + 1, loss, smoothed: Number.isFinite(loss) ? smoothed! : Number.NaN };
  });
}

/** The path data of the lines of the plot: the faint one, the strong one. */
function lines(svg: string): [string, string] {
  const plot = /<g clip-path[^>]*>(.*?)<\/g>/u.exec(svg)![1]!;
  return [...plot.matchAll(/ d="([^"]*)"|<path d="([^"]*)"/gu)].map((m) => m[1] ?? m[2]!) as [string, string];
}

/** All y of a path, in units of the picture; the plot reaches from 118 to 466. */
function heights(path: string): number[] {
  return [...path.matchAll(/[ML]\S+ (-?[\d.]+)/gu)].map((m) => Number(m[1]));
}

describe("axes", () => {
  test.each<[number, number, number, string[]]>([
    [0, 2500, 7, ["0", "500", "1,000", "1,500", "2,000", "2,500"]],
    [0, 1, 5, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]],
    [0.06, 0.072, 5, ["0.060", "0.065", "0.070"]],
    [-10, 0, 3, ["−10", "−5", "0"]],
    [0, 3e7, 3, ["0", "1e7", "2e7", "3e7"]],
  ])("linear from %d to %d", (low, high, count, expected) => {
    expect(labels(linearAxis(low, high, count))).toEqual(expected);
  });

  test.each<[number, number, string[]]>([
    [0.04, 1.3, ["0.05", "0.1", "0.2", "0.5", "1"]],
    [0.001, 100, ["0.001", "0.01", "0.1", "1", "10", "100"]],
    [1e-9, 1e-7, ["1e−9", "2e−9", "5e−9", "1e−8", "2e−8", "5e−8", "1e−7"]],
    [500, 30_000, ["500", "1,000", "2,000", "5,000", "10,000", "20,000"]],
  ])("logarithmic from %d to %d", (low, high, expected) => {
    expect(labels(logAxis(low, high))).toEqual(expected);
  });

  test("a linear axis has a handful of evenly spaced ticks inside it, wherever it lies", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const { ticks, position } = linearAxis(low, low + span, 6);
          expect(ticks.length).toBeGreaterThanOrEqual(2);
          expect(ticks.length).toBeLessThanOrEqual(8);
          const at = ticks.map((tick) => position(tick.value));
          // float64 over a span that may be 1e9 times smaller than its offset
          for (const p of at) expect(Math.abs(p - 0.5)).toBeLessThan(0.5 + 1e-6);
          for (let i = 2; i < at.length; i++) expect(at[i]! - at[i - 1]!).toBeCloseTo(at[1]! - at[0]!, 5);
        },
      ),
    );
  });
});

describe("a line", () => {
  test("of many points keeps its extremes and few points", () => {
    const points = Array.from({ length: 50_000 }, (_, i) => ({
      x: i / 100,
      y: 100 + 50 * Math.sin(i * 1.7),
    }));
    points[31_234] = { x: 312.34, y: -7 };
    points[31_235] = { x: 312.35, y: 777 };
    const path = linePath(points);
    // Four points in each of 500 columns.
    expect(heights(path).length).toBeLessThanOrEqual(2001);
    expect(Math.min(...heights(path))).toBe(-7);
    expect(Math.max(...heights(path))).toBe(777);
  });

  test("breaks where a point is not finite, and shows a lonely point as a dot", () => {
    const y = [1, 2, Number.NaN, 4, Number.POSITIVE_INFINITY, 6, 7];
    expect(linePath(y.map((value, i) => ({ x: i * 10, y: value })))).toBe("M0 1L10 2M30 4h0M50 6L60 7");
    expect(linePath([])).toBe("");
  });
});

describe("the loss curve", () => {
  test("is an SVG without fonts that a parser takes, and a PNG of twice its size", async () => {
    const { svg, png } = await lossCurve(run(2500));
    expect(svg).not.toMatch(/<text|font|NaN|Infinity|undefined/u);
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ width: 960, height: 540 });
    expect(await sharp(png).metadata()).toMatchObject({
      format: "png",
      width: 1920,
      height: 1080,
      channels: 3,
    });
  });

  test("takes a logarithmic axis for a whole run and a linear one for a plateau", () => {
    const key = (points: CurvePoint[], scale?: "linear" | "log") => {
      const [raw] = lines(curveSvg(points, scale ? { scale } : {}));
      return raw;
    };
    const whole = run(2500);
    expect(key(whole)).toBe(key(whole, "log"));
    expect(key(whole)).not.toBe(key(whole, "linear"));
    const plateau = run(3000).slice(1000);
    expect(key(plateau)).toBe(key(plateau, "linear"));
  });

  test("stays small however long the run is", () => {
    // Measured: 75 kB for 25,000 steps; each column of pixels adds four points at most.
    expect(curveSvg(run(100_000)).length).toBeLessThan(120_000);
  });

  test.each([1, 3, 8])("%i huge losses at the start do not press the rest flat", (huge) => {
    const points = run(1500, (step, loss) => (step <= huge ? 1e5 / step : loss));
    const svg = curveSvg(points);
    const [raw] = lines(svg);
    const body = heights(raw).sort((a, b) => a - b);
    const spread = body[Math.floor(body.length * 0.98)]! - body[Math.floor(body.length * 0.02)]!;
    // The middle 96 % of what is drawn takes most of the plot's 348 units.
    expect(spread).toBeGreaterThan(150);
    // The huge ones are beyond the upper edge.
    expect(body[0]).toBeLessThan(118);
    expect(Math.max(...body)).toBeLessThanOrEqual(466);
  });

  test.each<[string, CurvePoint[]]>([
    ["nothing", []],
    ["one point", run(1)],
    ["nothing finite", run(5, () => Number.NaN)],
    ["one infinite loss", run(50, (step, loss) => (step === 20 ? Number.POSITIVE_INFINITY : loss))],
    ["gaps", run(600, (step, loss) => (step % 7 === 0 || (step > 200 && step < 300) ? Number.NaN : loss))],
    ["zeros", run(10, () => 0)],
    ["a constant", run(10, () => 0.5)],
    ["zeros among others", run(500, (step, loss) => (step % 2 ? 0 : loss))],
    ["negative losses", run(50, (step) => -step)],
    ["tiny losses", run(50, (_, loss) => loss * 1e-12)],
    ["vast losses", run(50, (_, loss) => loss * 1e30)],
  ])("%s makes a valid picture", async (_, points) => {
    for (const scale of ["auto", "linear", "log"] as const) {
      expect(curveSvg(points, { scale })).not.toMatch(/NaN|Infinity|undefined/u);
    }
    const { png } = await lossCurve(points);
    expect((await sharp(png).metadata()).width).toBe(1920);
  });

  test("a title is escaped", async () => {
    const { svg } = await lossCurve(run(3), { title: 'a < b & "c"' });
    expect(svg).toContain('<title>a &lt; b &amp; "c"</title>');
  });
});
