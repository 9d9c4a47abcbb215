/** Noise and samplers as graphs, against packages/diffusion bit for bit, by ONNX Runtime. */
import {
  fillImageNoise,
  linearSchedule,
  PRACTICAL_SCHEDULE,
  SAMPLERS,
  type SamplerName,
  sample,
  toPixels,
} from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  buildModel,
  GraphError,
  imageNoise,
  input,
  readOnnx,
  samplerModel,
  scalar,
  unetCond,
  unetTime,
  unrolledSamplerModel,
  writeOnnx,
} from "../src/index.js";
import { networkOf, WIDTHS } from "./sampling-network.js";

type Feeds = Record<string, Tensor>;

async function run(bytes: Uint8Array, feeds: Feeds) {
  // 3: a Loop over the network is loaded with warnings about what cannot be moved out of it
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

const int64 = (value: number) => new Tensor("int64", BigInt64Array.of(BigInt(value)), []);

test.each([
  { seed: 0, channels: 3, height: 32, width: 32 },
  // a key of two words, and a size that is no multiple of 4
  { seed: 2 ** 53 - 1, channels: 1, height: 5, width: 7 },
])("noise of seed $seed, $channels x $height x $width", async ({ seed, ...image }) => {
  const batch = input("batch", "int32", ["batch"]);
  for (const [purpose, row] of [
    ["sampleInitial", 0],
    ["sampleStep", 399],
  ] as const) {
    const given = input("seed", "int64", []);
    const noise = imageNoise({ seed: given, purpose, row: scalar(row, "int64"), batch, ...image });
    const model = buildModel({ name: "noise", inputs: [given, batch], outputs: { noise } });
    const { noise: found } = await run(writeOnnx(model), {
      seed: int64(seed),
      batch: new Tensor("int32", new Int32Array(40), [40]),
    });
    const size = image.channels * image.height * image.width;
    const expected = new Float32Array(40 * size);
    fillImageNoise(expected, { seed, purpose, row, size });
    expect(found!.dims).toEqual([40, image.channels, image.height, image.width]);
    expect(found!.data).toEqual(expected);
  }
});

const schedule = linearSchedule(PRACTICAL_SCHEDULE);

const SIZE = 3 * 32 * 32;
const SEED = 11;
const LABELS = Int32Array.of(7, 2, 5);
const COUNT = LABELS.length;
const noiseOf = (purpose: "sampleInitial" | "sampleStep", row: number) => {
  const noise = new Float32Array(COUNT * SIZE);
  fillImageNoise(noise, { seed: SEED, purpose, row, size: SIZE });
  return noise;
};

describe.each(Object.keys(SAMPLERS) as SamplerName[])("%s", (name) => {
  test.each([
    ["unet-cond", unetCond],
    ["unet-time", unetTime],
  ] as const)("of %s draws what packages/diffusion draws", async (_, networkBy) => {
    const network = await networkOf(networkBy(WIDTHS));
    const rows = SAMPLERS[name](schedule, 4);
    const [bytes, fromSeed] = (["input", "seed"] as const).map((noise) =>
      writeOnnx(samplerModel({ network, rows, range: [-1, 1], noise })),
    );
    const class_labels = new Tensor("int32", LABELS, [COUNT]);

    const session = await InferenceSession.create(writeOnnx(network));
    const takesTime = session.inputNames.includes("timestep");
    const x = noiseOf("sampleInitial", 0);
    let last: Float32Array = x;
    for await (const step of sample({
      rows,
      x,
      noise: (out, row) => out.set(noiseOf("sampleStep", row)),
      denoise: async (values, timestep) => {
        const feeds: Feeds = { sample: new Tensor("float32", values, [COUNT, 3, 32, 32]), class_labels };
        if (takesTime) feeds.timestep = new Tensor("int32", new Int32Array(COUNT).fill(timestep), [COUNT]);
        return (await session.run(feeds)).out_sample!.data as Float32Array;
      },
    }))
      last = step.x;
    const planar = new Uint8Array(last.length);
    toPixels(last, [-1, 1], planar);
    // [N,C,H,W] to [N,H,W,C]
    const expected = planar.map((_, i) => {
      const [n, place, c] = [Math.floor(i / SIZE), Math.floor((i % SIZE) / 3), i % 3];
      return planar[n * SIZE + c * 1024 + place]!;
    });

    const feeds: Feeds = { noise: new Tensor("float32", x, [COUNT, 3, 32, 32]), class_labels };
    if (rows.some((row) => row.noise !== 0)) {
      const all = rows.flatMap((_, row) => [...noiseOf("sampleStep", row)]);
      feeds.step_noise = new Tensor("float32", Float32Array.from(all), [rows.length, COUNT, 3, 32, 32]);
    }
    // Inside a Loop ONNX Runtime takes other kernels of Conv than outside, which differ by rounding: one pixel level.
    const differences = (found: Tensor | undefined) => {
      expect(found!.dims).toEqual([COUNT, 32, 32, 3]);
      return (found!.data as Uint8Array).map((value, i) => Math.abs(value - expected[i]!));
    };
    expect(Math.max(...differences((await run(bytes!, feeds)).images))).toBeLessThanOrEqual(1);
    // On a diet the sums of a row are taken in float32: again one level.
    const thin = writeOnnx(unrolledSamplerModel({ network, rows, range: [-1, 1] }));
    expect(Math.max(...differences((await run(thin, feeds)).images))).toBeLessThanOrEqual(1);
    const drawn = await run(fromSeed!, { seed: int64(SEED), class_labels });
    expect(Math.max(...differences(drawn.images))).toBeLessThanOrEqual(1);
    expect(new Set(expected).size).toBeGreaterThan(50);
    await session.release();
  });
});

test("a network without images of a fixed size is refused", async () => {
  const network = await networkOf(unetCond(WIDTHS));
  const inputs = network.graph.inputs.map((value) =>
    value.name === "sample" ? { ...value, shape: ["batch", 3, "h", "w"] } : value,
  );
  const model = readOnnx(writeOnnx({ ...network, graph: { ...network.graph, inputs } }));
  expect(() =>
    samplerModel({ network: model, rows: SAMPLERS.ddim(schedule, 2), range: [-1, 1], noise: "input" }),
  ).toThrow(GraphError);
});
