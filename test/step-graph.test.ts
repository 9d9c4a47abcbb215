/** The update that the page adds to a network's file, run by another runtime than the page's. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseManifest, SAMPLERS, type SamplerName, sample, samplerRows } from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { coefficientsOf, STEP, stepGraph } from "../packages/sampler-web/src/step-graph.js";

const at = (file: string) => fileURLToPath(new URL(`foreign/plain/${file}`, import.meta.url));
const manifest = parseManifest(readFileSync(at("manifest.json"), "utf8"), "plain");
const network = new Uint8Array(readFileSync(at("plain.onnx")));
const stepped = stepGraph(network, { sample: "noisy", output: "image" });
const SIZE = 3 * 6 * 6;
const DIMS = [1, 3, 6, 6];
const time = (timestep: number) => new Tensor("float32", [timestep / 1000], [1]);
/** The same in both. */
const noise = (out: Float32Array, row: number): void => {
  for (let i = 0; i < out.length; i++) out[i] = Math.sin(i + 7 * row);
};

test("the file takes and gives the network's own and the step's", async () => {
  const session = await InferenceSession.create(stepped);
  expect(session.inputNames).toEqual(["noisy", "time", STEP.past, STEP.coefficients]);
  expect(session.outputNames).toEqual(["image", STEP.next]);
});

test.each(Object.keys(SAMPLERS) as SamplerName[])("%s walked by the graph", async (sampler) => {
  const rows = samplerRows(manifest, { sampler, steps: 6 });
  const x = Float32Array.from({ length: SIZE }, (_, i) => Math.cos(3 * i));

  const plain = await InferenceSession.create(network);
  let expected = x;
  const denoise = async (xt: Float32Array, timestep: number) => {
    const { image } = await plain.run({ noisy: new Tensor("float32", xt, DIMS), time: time(timestep) });
    return image!.data as Float32Array;
  };
  for await (const step of sample({ rows, x, denoise, noise })) expected = Float32Array.from(step.x);

  const session = await InferenceSession.create(stepped);
  let found = x;
  const past = new Float32Array(2 * SIZE);
  for (const [i, row] of rows.entries()) {
    noise(past.subarray(SIZE), i);
    const outputs = await session.run(
      {
        noisy: new Tensor("float32", found, DIMS),
        time: time(row.timestep),
        [STEP.past]: new Tensor("float32", past, [2, SIZE]),
        [STEP.coefficients]: new Tensor("float32", coefficientsOf(row), [2, 4]),
      },
      [STEP.next],
    );
    const next = outputs[STEP.next]!.data as Float32Array;
    found = next.slice(0, SIZE);
    past.set(next.subarray(SIZE));
  }
  // float32 where `sample` has float64: 6e-8 of values of about 1, which this network's rows divide by
  // sqrt(1 - alphaBar_1) = 6e-3 to have eps of the image; and a few terms.
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-4);
});
