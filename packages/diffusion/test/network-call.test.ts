/** Networks that were made elsewhere: their names, types, noise levels and what they predict. */
import { describe, expect, test } from "vitest";
import type { Manifest, ValueSpec } from "../src/manifest.js";
import { batchesOf, networkInputs, samplerRows } from "../src/network-call.js";
import { parseManifest } from "../src/parse-manifest.js";
import { PREDICTIONS } from "../src/prediction.js";
import { SAMPLERS, type SamplerName } from "../src/samplers/index.js";
import { scheduleOf } from "../src/schedule.js";
import { sample } from "../src/table.js";
import { SPACINGS, type Spacing } from "../src/timesteps.js";

const SHA = "0".repeat(64);
/** diffusers' scaled_linear betas, in 100 steps. */
const BETAS = Array.from({ length: 100 }, (_, i) => (0.03 + ((0.3 - 0.03) * i) / 99) ** 2);

function foreign(
  changes: Partial<Manifest> = {},
  timestep: Partial<ValueSpec> = {},
  batch: string | 1 = "n",
) {
  const image = [batch, 1, 2, 2];
  return parseManifest(
    {
      ...{ format: "onnx-diffusion", version: 1, network: { name: "theirs", options: {} }, state: [] },
      image: { channels: 1, height: 2, width: 2, range: [0, 1] },
      ...{ classes: 3, timestep: true, prediction: "eps", schedule: { kind: "betas", betas: BETAS } },
      arguments: {
        names: { sample: "x", timestep: "t", class_labels: "y", out_sample: "eps" },
        firstTimestep: 0,
      },
      graphs: {
        inference_model: {
          ...{ file: "unet.onnx", target: "gpu", data: ["unet.data"] },
          inputs: [
            { name: "x", dtype: "float32", shape: image },
            { name: "t", dtype: "int64", shape: [batch], ...timestep },
            { name: "y", dtype: "int64", shape: [batch] },
          ],
          outputs: [{ name: "eps", dtype: "float32", shape: image }],
        },
      },
      files: { "unet.onnx": { sha256: SHA, bytes: 1 }, "unet.data": { sha256: SHA, bytes: 1 } },
      ...changes,
    },
    "theirs",
  );
}

const question = { x: new Float32Array(8), timestep: 5, labels: [2, 1] };

test("the network is fed by its own names and types", () => {
  expect(networkInputs(foreign(), question)).toEqual({
    x: { dtype: "float32", data: question.x, dims: [2, 1, 2, 2] },
    t: { dtype: "int64", data: BigInt64Array.of(4n, 4n), dims: [2] },
    y: { dtype: "int64", data: BigInt64Array.of(2n, 1n), dims: [2] },
  });
});

test.each<[Partial<ValueSpec>, unknown]>([
  [{ dtype: "float32" }, { dtype: "float32", data: Float32Array.of(4, 4), dims: [2] }],
  [
    { dtype: "float32", shape: [] },
    { dtype: "float32", data: Float32Array.of(4), dims: [] },
  ],
  [
    { dtype: "int32", shape: [1] },
    { dtype: "int32", data: Int32Array.of(4), dims: [1] },
  ],
  // 4 in binary16
  [{ dtype: "float16" }, { dtype: "float16", data: Uint16Array.of(0x4400, 0x4400), dims: [2] }],
])("timestep as %j", (timestep, expected) => {
  expect(networkInputs(foreign({}, timestep), question).t).toEqual(expected);
});

test("t in 0..1", () => {
  const scaled = foreign(
    { arguments: { names: foreign().arguments!.names!, timestepScale: 0.01 } },
    { dtype: "float32" },
  );
  expect(networkInputs(scaled, question).t!.data).toEqual(Float32Array.of(0.05, 0.05));
});

test("a graph of a fixed batch gets that many, and the rest is thrown away", () => {
  expect(batchesOf(foreign(), 5, 4)).toEqual([
    { first: 0, count: 4, size: 4 },
    { first: 4, count: 1, size: 1 },
  ]);
  expect(batchesOf(foreign({}, {}, 1), 2, 4)).toEqual([
    { first: 0, count: 1, size: 1 },
    { first: 1, count: 1, size: 1 },
  ]);
});

test("alphaBars are the products of the betas, without noise at t = 0", () => {
  let product = 1;
  const alphaBars = BETAS.map((beta) => {
    product *= 1 - beta;
    return product;
  });
  const given = scheduleOf({ kind: "alphaBars", T: 100, alphaBars }).float64;
  const derived = scheduleOf({ kind: "betas", T: 100, betas: BETAS }).float64;
  for (const [name, values] of Object.entries(derived)) {
    const found = given[name as keyof typeof given];
    // beta = 1 - ratio loses three digits of sixteen where beta is 1e-3
    for (const [t, value] of values.entries()) expect(Math.abs(found[t]! - value)).toBeLessThan(1e-12);
  }
  expect([derived.alphaBar[0], derived.epsScale[0], derived.sigma[0]]).toEqual([1, 0, 0]);
});

describe.each(PREDICTIONS)("a network that predicts %s and knows the image", (prediction) => {
  const x0 = Float32Array.of(0.25, -1, 0.5, 2);
  const samplers = Object.keys(SAMPLERS) as SamplerName[];
  const spacings = Object.keys(SPACINGS) as Spacing[];
  test.each(samplers.flatMap((sampler) => spacings.map((spacing) => [sampler, spacing] as const)))(
    "is led to it by %s with %s spacing",
    async (sampler, spacing) => {
      const rows = samplerRows(foreign({ prediction }), { sampler, spacing, steps: 8 });
      let asked = 0;
      const denoise = (x: Float32Array): Float32Array => {
        const { alphaBar } = rows[asked++]!;
        const [image, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
        const eps = (i: number) => (x[i]! - image * x0[i]!) / noise;
        const told = { eps, x0: (i: number) => x0[i]!, v: (i: number) => image * eps(i) - noise * x0[i]! };
        return x.map((_, i) => told[prediction](i));
      };
      let x: Float32Array = Float32Array.of(1, -0.5, 0.3, -2);
      for await (const step of sample({ rows, x, denoise, noise: (out) => out.fill(0.1) })) x = step.x;
      // float32 states, whose last digit 1 / sqrt(alphaBar_T) = 4 and a few steps make larger
      for (const [i, value] of x0.entries()) expect(Math.abs(x[i]! - value)).toBeLessThan(2e-5);
    },
  );
});
