/** `trainer export`: each form is run, read back and compared with the float32 model. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decodeSafetensors, encodeSafetensors, fromHalf, parseManifest } from "@onnx-diffusion/diffusion";
import { readOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOfBytes } from "../src/artifacts.js";
import { emitSmallModel, trainer } from "./small-model.js";

const folder = mkdtempSync(join(tmpdir(), "export-"));
const at = (...parts: string[]) => join(folder, ...parts);
const MODEL = at("run", "model");
let artifacts = "";

beforeAll(() => {
  artifacts = emitSmallModel();
  const { status, stderr } = trainer(
    ...["--artifacts", artifacts, "--out", at("run"), "--steps", "20", "--lr", "1e-3", "--sample-every", "0"],
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(dirname(artifacts), { recursive: true, force: true });
});

/** eps of fixed images and labels, by ONNX Runtime alone. */
async function epsOf(path: string): Promise<Float32Array> {
  const session = await InferenceSession.create(path);
  const sample = Float32Array.from(
    { length: 4 * 3 * 32 * 32 },
    (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011),
  );
  const { out_sample } = await session.run({
    sample: new Tensor("float32", sample, [4, 3, 32, 32]),
    class_labels: new Tensor("int32", Int32Array.of(1, 4, 7, 9), [4]),
  });
  await session.release();
  return out_sample!.data as Float32Array;
}

const relative = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.reduce((sum, x) => sum + x * x, 0));

function exportAs(form: string, out = at(form)) {
  return { ...trainer("export", "--model", MODEL, "--as", form, "--out", out), out };
}

describe("every form that is a model folder", () => {
  it.each([
    // the same numbers in another file
    ["onnx", 0],
    ["single", 0],
    // weights of 11 bits are off by 2^-12 at most, of which layers average much away
    ["fp16-weights", 2 ** -11],
  ])("%s gives the predictions of the original, and samples", async (form, most) => {
    const { status, stderr, out } = exportAs(form);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const off = relative(
      await epsOf(join(MODEL, "inference_model.onnx")),
      await epsOf(join(out, "inference_model.onnx")),
    );
    expect(off).toBeLessThanOrEqual(most);
    expect(off > 0).toBe(most > 0);

    const manifest = parseManifest(readFileSync(join(out, "manifest.json"), "utf8"), "manifest.json");
    expect(Object.keys(manifest.files).sort()).toEqual(
      readdirSync(out)
        .filter((name) => name !== "manifest.json")
        .sort(),
    );
    for (const [name, digest] of Object.entries(manifest.files)) {
      expect(digestOfBytes(readFileSync(join(out, name)))).toEqual(digest);
    }
    const drawn = trainer(
      ...["sample", "--model", out, "--steps", "2", "--sampler", "ddim", "--out", at(`${form}.png`)],
    );
    expect({ status: drawn.status, stderr: drawn.stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("tells what made it, in the graph, the weights and the card", () => {
    const { metadata } = readOnnx(readFileSync(at("fp16-weights", "inference_model.onnx")));
    expect(metadata).toMatchObject({
      network: "unet-cond",
      steps: "20",
      seed: "0",
      data: "mnist",
      form: "fp16-weights",
    });
    expect(metadata.data_sha256).toMatch(/^[0-9a-f]{64}$/);
    const weights = decodeSafetensors(readFileSync(at("fp16-weights", "weights.safetensors")), "weights");
    expect(Object.fromEntries(weights.metadata)).toEqual(metadata);
    const card = readFileSync(at("fp16-weights", "README.md"), "utf8");
    expect(card).toContain("Exported as `fp16-weights`");
    expect(card).toMatch(/predicted noise: off by [1-9]\.\de-\d of its size at the worst of 20 steps/);
  });
});

describe("fp16-weights", () => {
  it("holds PyTorch's names: kernels rounded to float16, biases and statistics as they were, in half the bytes", () => {
    const read = (...parts: string[]) =>
      decodeSafetensors(readFileSync(at(...parts, "weights.safetensors")), "w").tensors;
    const [half, whole] = [read("fp16-weights"), read("run", "model")];
    expect([...half.keys()].sort()).toEqual([...whole.keys()].sort());
    for (const [name, { dtype, shape, data }] of whole) {
      const stored = half.get(name)!;
      expect(stored.shape).toEqual(shape);
      expect(stored.dtype).toBe(shape.length < 2 ? dtype : "F16");
      // float16 has 11 bits, and steps of 2^-24 near 0
      const most = (x: number) => (shape.length < 2 ? 0 : Math.max(Math.abs(x) * 2 ** -11, 2 ** -25));
      for (const [i, x] of (data as Float32Array).entries()) {
        const y = stored.dtype === "F16" ? fromHalf(Number(stored.data[i])) : Number(stored.data[i]);
        if (!(Math.abs(x - y) <= most(x))) expect.fail(`${name}[${i}]: ${y}, expected ${x}`);
      }
    }
    const bytes = (form: string) => readFileSync(at(form, "weights.safetensors")).length;
    expect(bytes("fp16-weights")).toBeLessThan(0.6 * bytes("onnx"));
  });

  it("refuses a weight that float16 cannot hold", () => {
    const model = damaged("large", "down1.conv.weight", 1e5);
    const result = trainer("export", "--model", model, "--as", "fp16-weights", "--out", at("too-large"));
    expect(result.stderr).toMatch(
      /^trainer: weights: "down1.conv.weight" has the value 100000, expected at most 65504/,
    );
    expect(result.status).toBe(1);
    expect(existsSync(at("too-large"))).toBe(false);
  });
});

/** A copy of the model in which the first value of a weight is another, with a manifest that says so. */
function damaged(name: string, tensor: string, value: number): string {
  const copy = at(name);
  cpSync(MODEL, copy, { recursive: true });
  const file = join(copy, "weights.safetensors");
  const { tensors } = decodeSafetensors(Buffer.from(readFileSync(file)), "w");
  (tensors.get(tensor)!.data as Float32Array)[0] = value;
  const bytes = encodeSafetensors([...tensors].map(([key, stored]) => ({ name: key, ...stored })));
  writeFileSync(file, bytes);
  const manifest = JSON.parse(readFileSync(join(copy, "manifest.json"), "utf8"));
  manifest.files["weights.safetensors"] = digestOfBytes(bytes);
  writeFileSync(join(copy, "manifest.json"), JSON.stringify(manifest));
  return copy;
}

describe("mistakes", () => {
  const fails = (...words: string[]) => {
    const { status, stderr } = trainer("export", ...words);
    return { status, stderr: stderr.trimEnd() };
  };

  it("are told in one line, and leave nothing behind", () => {
    expect(fails("--as", "onnx")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--model is missing"),
    });
    expect(fails("--model", MODEL)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--as is missing"),
    });
    expect(fails("--model", MODEL, "--as", "fp16-weigths").stderr).toMatch(/did you mean fp16-weights\?$/);
    expect(fails("--model", artifacts, "--as", "onnx").stderr).toMatch(
      /it is not trained; give the model folder/,
    );
    expect(fails("--model", MODEL, "--as", "onnx", "--out", MODEL).stderr).toMatch(
      /it is there already; give another/,
    );
    expect(fails("--model", at("fp16-weights"), "--as", "single", "--out", at("x")).stderr).toMatch(
      /"down1.conv.weight.float16" is float16, expected float32 weights in weights.safetensors/,
    );
    expect(fails("--model", at("single"), "--as", "onnx", "--out", at("x")).stderr).toMatch(
      /cannot read .*weights.safetensors/,
    );
    expect(existsSync(at("x"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("a weight that is no number, a file cut short, a file of another model", () => {
    const nan = damaged("nan", "up3.bn.weight", Number.NaN);
    expect(fails("--model", nan, "--as", "onnx", "--out", at("x")).stderr).toMatch(
      /weights.safetensors: "up3.bn.weight" holds values that are not finite numbers/,
    );
    const cut = at("cut");
    cpSync(MODEL, cut, { recursive: true });
    const bytes = readFileSync(join(cut, "weights.safetensors"));
    writeFileSync(join(cut, "weights.safetensors"), bytes.subarray(0, 1000));
    expect(fails("--model", cut, "--as", "onnx", "--out", at("x")).stderr).toMatch(
      /weights.safetensors: its SHA-256 is .* \(1000 bytes\), the manifest says .*damaged or swapped/,
    );
    expect(existsSync(at("x"))).toBe(false);
  });
});
