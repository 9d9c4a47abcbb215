/** Models that were made elsewhere sample here as their own library samples them (test/foreign/make_models.py). */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BetasSpec,
  decodeSafetensors,
  parseManifest,
  sample,
  samplerRows,
} from "@onnx-diffusion/diffusion";
import { runTrainer } from "@onnx-diffusion/trainer";
import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { predict } from "../packages/trainer/src/sampling.js";

const at = (...parts: string[]) => fileURLToPath(new URL(path.join("foreign", ...parts), import.meta.url));
const expected = decodeSafetensors(readFileSync(at("expected.safetensors")), "expected").tensors;

test.each([
  ["unet", [2, 0, 1]],
  ["plain", []],
])("%s: DDIM by diffusers, in four steps from the same noise", async (name, labels) => {
  const manifest = parseManifest(readFileSync(at(name, "manifest.json"), "utf8"), name);
  const session = await InferenceSession.create(at(name, `${name}.onnx`));
  const [noise, images] = ["noise", "images"].map((what) => expected.get(`${name}.${what}`)!.data) as [
    Float32Array,
    Float32Array,
  ];
  const rows = samplerRows(manifest, { sampler: "ddim", steps: 4 });
  const { channels, height, width } = manifest.image;
  // `plain` takes one image at a time
  const length = labels.length > 0 ? noise.length : channels * height * width;
  for (let first = 0; first < noise.length; first += length) {
    let x = noise.slice(first, first + length);
    const denoise = (x: Float32Array, timestep: number) =>
      predict({ manifest, session, x, timestep, labels: Int32Array.from(labels) });
    for await (const step of sample({ rows, x, denoise, noise: () => {} })) x = step.x.slice();
    const off = x.map((value, i) => Math.abs(value - images[first + i]!));
    // float32 in PyTorch and in ONNX Runtime: rounding of 1e-6, which 1 / sqrt(alphaBar_T) = 15 and four steps amplify
    expect(Math.max(...off)).toBeLessThan(1e-4);
  }
  await session.release();
});

test.each(["unet", "plain"])("trainer sample draws with %s", async (name) => {
  const out = mkdtempSync(path.join(tmpdir(), "foreign-"));
  const words = ["sample", "--model", at(name), "--sampler", "ddpm", "--steps", "5", "--count", "3"];
  const images = path.join(out, "images.npy");
  expect(await runTrainer([...words, "--out", path.join(out, "grid.png"), "--raw", images])).toBe(0);
  const { image } = parseManifest(readFileSync(at(name, "manifest.json"), "utf8"), name);
  const pixels = readFileSync(images).subarray(-3 * image.channels * image.height * image.width);
  expect(new Set(pixels).size).toBeGreaterThan(20);
  rmSync(out, { recursive: true });
});

test("the manifest in docs/other-models.md is that of unet", () => {
  const text = readFileSync(at("../../docs/other-models.md"), "utf8");
  const shown = parseManifest(/^```json\n(.*?)^```$/ms.exec(text)![1], "docs/other-models.md");
  const real = parseManifest(readFileSync(at("unet", "manifest.json"), "utf8"), "unet");
  const { betas } = real.schedule as BetasSpec;
  const shortened = (shown.schedule as BetasSpec).betas;
  // Shown to five digits, and only the first.
  for (const [i, beta] of shortened.entries()) expect(Math.abs(beta - betas[i]!)).toBeLessThan(5e-9);
  expect({ ...shown, schedule: undefined }).toEqual({ ...real, schedule: undefined });
});
