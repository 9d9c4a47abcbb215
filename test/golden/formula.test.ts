import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeSafetensors, type SafetensorsFile } from "@onnx-diffusion/diffusion";
import { describe, expect, it } from "vitest";
import { digest, formulaBatch, formulaIntegers, formulaNoise, formulaWeight, readDigest } from "./formula.js";

/** The path of each `<group>/<path>` in the file, with its tensor. */
function group(file: SafetensorsFile, name: string) {
  return [...file.tensors].flatMap(([key, tensor]) =>
    key.startsWith(`${name}/`) ? [{ path: key.slice(name.length + 1), tensor }] : [],
  );
}

const open = (name: string): SafetensorsFile =>
  decodeSafetensors(readFileSync(fileURLToPath(new URL(`${name}.safetensors`, import.meta.url))), name);

const variantsOf = (file: SafetensorsFile): number[] =>
  Array.from(file.tensors.get("variants")!.data, Number);

/** Sums of up to a million float64 terms, in another order than NumPy's: 1e6 * 2^-53 of the terms' magnitudes. */
const SUM_ERROR = 1e-10;

describe.each(["unet-cond-narrow", "unet-narrow", "conv-narrow"])("%s", (name) => {
  const file = open(name);

  it("starts from the weights of the formula, bit for bit", () => {
    const weights = group(file, "weights");
    expect(weights.length).toBeGreaterThan(0);
    for (const { path, tensor } of weights) {
      expect(formulaWeight(path, tensor.shape), path).toEqual(tensor.data);
    }
  });

  it("has the batches of the formula, bit for bit", () => {
    for (const [index, variant] of variantsOf(file).entries()) {
      const stored = group(file, `batch${index}`);
      expect(stored.length).toBeGreaterThanOrEqual(3);
      const batch = formulaBatch(index, variant, 4);
      for (const { path, tensor } of stored) {
        expect(batch[path as keyof typeof batch], `batch${index}/${path}`).toEqual(tensor.data);
      }
    }
  });
});

describe("unet-cond-full", () => {
  const file = open("unet-cond-full");

  function expectDigest(actual: ArrayLike<number>, stored: ArrayLike<number>, what: string) {
    const [ours, theirs] = [digest(actual), readDigest(stored)];
    expect(ours.values, what).toEqual(theirs.values);
    expect(Math.abs(ours.norm - theirs.norm), what).toBeLessThanOrEqual(SUM_ERROR * theirs.norm);
    const magnitude = theirs.norm * Math.sqrt(actual.length);
    expect(Math.abs(ours.sum - theirs.sum), what).toBeLessThanOrEqual(SUM_ERROR * magnitude);
  }

  it("starts from the weights of the formula: 64 values of each are the same bits", () => {
    const weights = group(file, "weights.digest");
    expect(weights).toHaveLength(43);
    for (const { path } of weights) {
      const shape = JSON.parse(file.metadata.get("golden")!).shapes[path] as number[];
      expectDigest(
        formulaWeight(path, shape),
        file.tensors.get(`weights.digest/${path}`)!.data as Float64Array,
        path,
      );
    }
  });

  it("has the batches of the formula: 64 values of each are the same bits", () => {
    for (const [index, variant] of variantsOf(file).entries()) {
      const stored = group(file, `batch${index}.digest`);
      expect(stored.map(({ path }) => path).sort()).toEqual(["eps", "images", "labels", "t"]);
      const batch = formulaBatch(index, variant, 4);
      for (const { path, tensor } of stored) {
        expectDigest(batch[path as keyof typeof batch], tensor.data as Float64Array, `batch${index}/${path}`);
      }
    }
  });

  it("evaluates the formula's sample", () => {
    const at = (path: string) => file.tensors.get(`eval.digest/${path}`)!.data as Float64Array;
    expectDigest(formulaNoise("eval/sample", 4), at("sample"), "sample");
    expectDigest(formulaIntegers("eval/labels", 4, 10), at("labels"), "labels");
  });
});
