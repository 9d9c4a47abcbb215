import { expect, test } from "vitest";
import { type SampleProgress, type SamplerRow, sample } from "../src/table.js";

const row = (over: Partial<SamplerRow>): SamplerRow => ({
  timestep: 1,
  alphaBar: 0.5,
  estimate: [0, 1],
  x: 1,
  estimates: [0],
  noise: 0,
  ...over,
});

async function collect(options: Parameters<typeof sample>[0]): Promise<SampleProgress[]> {
  const all: SampleProgress[] = [];
  for await (const progress of sample(options)) all.push(progress);
  return all;
}

const noNoise = (): never => {
  throw new Error("no row takes noise");
};

test("walks the rows by hand-made numbers, looking back at earlier estimates", async () => {
  const asked: [number[], number][] = [];
  const denoise = (x: Float32Array, timestep: number): Promise<Float32Array> => {
    asked.push([[...x], timestep]);
    return Promise.resolve(x.map((value) => value + timestep));
  };
  const drawn: number[] = [];
  const noise = (out: Float32Array, index: number): void => {
    drawn.push(index);
    out.fill(index === 0 ? 1 : 100);
  };
  const x = Float32Array.of(1, 2);
  const rows = [
    row({ timestep: 30, x: 2, estimates: [1], noise: 0.5 }),
    row({ timestep: 20, x: 0, estimates: [1, -1] }),
    row({ timestep: 10, x: 1, estimates: [0, 0, 1], noise: 1 }),
  ];
  const progress = await collect({ rows, denoise, x, noise });
  // row 0: 2x + (x + 30) + 0.5; row 1: (x1 + 20) - (x0 + 30); row 2: x2 + (x0 + 30) + 100
  expect(progress).toEqual([
    { row: 0, rows: 3, x: Float32Array.of(33.5, 36.5) },
    { row: 1, rows: 3, x: Float32Array.of(22.5, 24.5) },
    { row: 2, rows: 3, x: Float32Array.of(153.5, 156.5) },
  ]);
  expect(asked).toEqual([
    [[1, 2], 30],
    [[33.5, 36.5], 20],
    [[22.5, 24.5], 10],
  ]);
  expect(drawn).toEqual([0, 2]);
  expect([...x]).toEqual([1, 2]);
});

test("rounds once a row: small terms are not lost one by one", async () => {
  const half = 2 ** -25;
  const options = {
    rows: [row({ estimates: [half], noise: half })],
    denoise: () => Float32Array.of(1),
    x: Float32Array.of(1),
    noise: (out: Float32Array) => out.fill(2),
  };
  // 1 + 3 * 2^-25 lies above the middle of 1 and 1 + 2^-23, each term alone below it
  expect((await collect(options)).at(-1)?.x[0]).toBe(1 + 2 ** -23);
});

test("an aborted signal ends it with its reason, before the next row", async () => {
  const controller = new AbortController();
  const reason = new Error("stopped by the user");
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    const rows = [row({}), row({}), row({})];
    const options = { rows, denoise: (x: Float32Array) => x, x: new Float32Array(1), noise: noNoise };
    for await (const progress of sample({ ...options, signal: controller.signal })) {
      seen.push(progress.row);
      if (progress.row === 1) controller.abort(reason);
    }
  };
  await expect(run()).rejects.toBe(reason);
  expect(seen).toEqual([0, 1]);
});

test("an abort while the denoiser works yields nothing more", async () => {
  const controller = new AbortController();
  const denoise = async (x: Float32Array): Promise<Float32Array> => {
    controller.abort();
    return x;
  };
  const options = { rows: [row({})], denoise, x: new Float32Array(1), noise: noNoise };
  await expect(collect({ ...options, signal: controller.signal })).rejects.toThrow(/abort/i);
});

test("a denoiser or a table that is wrong is named", async () => {
  const x = new Float32Array(2);
  const short = { rows: [row({})], denoise: () => new Float32Array(1), x, noise: noNoise };
  await expect(collect(short)).rejects.toThrow("denoiser: returned 1 values for an x of 2");
  const early = { rows: [row({ estimates: [1, 1] })], denoise: (xt: Float32Array) => xt, x, noise: noNoise };
  await expect(collect(early)).rejects.toThrow("sampler: a row takes 2 estimates where there are 1");
});

test("no rows, no progress", async () => {
  expect(await collect({ rows: [], denoise: noNoise, x: new Float32Array(1), noise: noNoise })).toEqual([]);
});
