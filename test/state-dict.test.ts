/** PyTorch's state_dict in our graphs, and ours in PyTorch's terms (test/golden/make_state_dict.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeSafetensors,
  decodeStateDict,
  encodeStateDict,
  parseManifest,
} from "@onnx-diffusion/diffusion";
import { modelFiles, unetCond } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, expect, test } from "vitest";
import { formulaIntegers, formulaNoise } from "./golden/formula.js";
import { distance, golden } from "./golden/golden.js";

const folder = mkdtempSync(join(tmpdir(), "state-dict-"));
afterAll(() => rmSync(folder, { recursive: true }));

const network = unetCond({ channels: [4, 5, 6, 7], bottleneck: 8, up: [8, 7, 6, 5] });
const files = await modelFiles(network);
const { state } = parseManifest(new TextDecoder().decode(files.get("manifest.json")), "manifest.json");
const outputs = golden("state-dict-outputs");
const saved = (type: string) =>
  readFileSync(new URL(`golden/state-dict-${type}.safetensors`, import.meta.url));

test.each(["float32", "float16", "bfloat16"])("weights that PyTorch saved as %s run here", async (type) => {
  const weights = decodeStateDict(saved(type), state, { where: type });
  writeFileSync(join(folder, "inference_model.onnx"), files.get("inference_model.onnx")!);
  writeFileSync(join(folder, "weights.safetensors"), encodeStateDict(weights, state));
  const session = await InferenceSession.create(join(folder, "inference_model.onnx"));
  const { out_sample } = await session.run({
    sample: new Tensor("float32", formulaNoise("state-dict/sample", 4), [4, 3, 32, 32]),
    class_labels: new Tensor("int32", formulaIntegers("state-dict/labels", 4, 10), [4]),
  });
  // Two float32 runs of ten convolutions, each about 1e-6 from the truth.
  expect(distance(out_sample!.data as Float32Array, outputs.get(type))).toBeLessThan(1e-5);
});

test("what is written back is PyTorch's file, but for the counts of batches", () => {
  const theirs = decodeSafetensors(saved("float32")).tensors;
  const bytes = encodeStateDict(decodeStateDict(saved("float32"), state), state);
  const ours = decodeSafetensors(bytes).tensors;
  const kept = [...theirs].filter(([name]) => !name.endsWith(".num_batches_tracked"));
  expect(kept.length).toBeLessThan(theirs.size);
  expect(new Map(ours)).toEqual(new Map(kept));
});
