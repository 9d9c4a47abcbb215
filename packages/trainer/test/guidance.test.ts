/** `--guidance`: the same images whether the command adds it or the folder has it inside, in every form. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors, parseManifest } from "@onnx-diffusion/diffusion";
import { readOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitSmallModel, trainer } from "./small-model.js";

const JUDGE = fileURLToPath(new URL("../../../models/judge", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "guidance-"));
const at = (...parts: string[]) => join(folder, ...parts);
const MODEL = at("run", "model");
const FEW = ["--sampler", "ddim", "--steps", "3"];
let artifacts = "";

const succeeds = (...words: string[]): string => {
  const { status, stdout, stderr } = trainer(...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
};
const sample = (model: string, name: string, ...words: string[]): Buffer => {
  succeeds("sample", "--model", model, ...FEW, ...words, "--out", at(`${name}.png`));
  return readFileSync(at(`${name}.png`));
};

beforeAll(() => {
  artifacts = emitSmallModel();
  succeeds(
    "--artifacts",
    artifacts,
    "--out",
    at("run"),
    "--steps",
    "20",
    "--lr",
    "1e-3",
    "--sample-every",
    "0",
  );
  for (const form of ["onnx", "fp16-weights"]) {
    succeeds("export", "--model", MODEL, "--as", form, "--guidance", "2.5", "--out", at(form));
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(dirname(artifacts), { recursive: true, force: true });
});

describe("sample --guidance", () => {
  it("draws what an export with guidance draws, and something else than without", () => {
    const guided = sample(MODEL, "flag", "--guidance", "2.5");
    expect(sample(at("onnx"), "inside")).toEqual(guided);
    const plain = sample(MODEL, "plain");
    expect(plain).not.toEqual(guided);
    expect(sample(MODEL, "none", "--guidance", "0")).toEqual(plain);
  });

  it.each(["-1", "20.1", "NaN", "much", ""])("refuses a weight of %j", (weight) => {
    const result = trainer("sample", "--model", MODEL, `--guidance=${weight}`, "--out", at("refused.png"));
    expect(result).toMatchObject({ status: 2 });
    expect(result.stderr).toMatch(
      /^trainer: --guidance: found ".*", expected a number in 0\.\.20|^trainer: --guidance: /,
    );
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(at("refused.png"))).toBe(false);
  });

  it("refuses guidance on guidance, and for a network that is not told a class", () => {
    expect(trainer("sample", "--model", at("onnx"), "--guidance", "1")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^trainer: --guidance: the model has guidance 2\.5 inside already; /),
    });
    cpSync(MODEL, at("classless"), { recursive: true });
    const text = readFileSync(join(MODEL, "manifest.json"), "utf8");
    const manifest = JSON.parse(text);
    manifest.classes = 0;
    manifest.graphs.inference_model.inputs.pop();
    writeFileSync(at("classless", "manifest.json"), JSON.stringify(manifest));
    expect(trainer("sample", "--model", at("classless"), "--guidance", "1")).toMatchObject({
      status: 2,
      stderr: "trainer: --guidance: the model is not told a class; leave it out\n",
    });
  });
});

describe("export --guidance", () => {
  it("says so in the manifest, the card and the file, and is verified", () => {
    const manifest = parseManifest(readFileSync(at("onnx", "manifest.json"), "utf8"), "manifest.json");
    expect(manifest).toMatchObject({ guidance: 2.5, timestep: true, classes: 10 });
    expect(manifest.graphs.inference_model!.inputs.map(({ name }) => name)).toEqual([
      "sample",
      "timestep",
      "class_labels",
    ]);
    expect(readFileSync(at("onnx", "README.md"), "utf8")).toContain("| guidance | 2.5, inside the graph");
    expect(readOnnx(readFileSync(at("onnx", "inference_model.onnx"))).metadata.guidance).toBe("2.5");
    for (const form of ["onnx", "fp16-weights"]) {
      expect(succeeds("verify", at(form))).toMatch(/ok {2}the known answer, to \S+\n$/);
    }
  });

  it("goes on to other forms: sampler.onnx has it too", async () => {
    const words = ["--as", "sampler", ...FEW, "--noise", "seed"];
    succeeds("export", "--model", MODEL, ...words, "--guidance", "2.5", "--out", at("sampler-1"));
    succeeds("export", "--model", at("onnx"), ...words, "--out", at("sampler-2"));
    const drawn = async (name: string) => {
      const session = await InferenceSession.create(at(name, "sampler.onnx"), { logSeverityLevel: 3 });
      const { images } = await session.run({
        seed: new Tensor("int64", BigInt64Array.of(3n), []),
        class_labels: new Tensor("int32", Int32Array.of(4, 7), [2]),
      });
      await session.release();
      return images!.data;
    };
    expect(await drawn("sampler-1")).toEqual(await drawn("sampler-2"));
  });

  it.each(["onnx", "fp16-weights", "int8-weights"])(
    "goes on from a release to %s, which is verified",
    (form) => {
      succeeds("export", "--model", at("fp16-weights"), "--as", form, "--out", at(`again-${form}`));
      expect(succeeds("verify", at(`again-${form}`))).toMatch(/ok {2}the known answer, to \S+\n$/);
    },
  );

  it("is left behind by the weights alone", () => {
    succeeds("export", "--model", at("onnx"), "--as", "state-dict", "--out", at("state-dict"));
    expect(readFileSync(at("state-dict", "README.md"), "utf8")).not.toContain("guidance");
    const { tensors, metadata } = decodeSafetensors(
      readFileSync(at("state-dict", "model.safetensors")),
      "state-dict",
    );
    expect(metadata.has("guidance")).toBe(false);
    const trained = decodeSafetensors(readFileSync(join(MODEL, "weights.safetensors")), "weights");
    expect(tensors).toEqual(trained.tensors);
  });

  it("is refused where there is no graph", () => {
    expect(
      trainer("export", "--model", MODEL, "--as", "state-dict", "--guidance", "1", "--out", at("no")),
    ).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^trainer: --guidance: --as state-dict holds weights and no graph/),
    });
    expect(existsSync(at("no"))).toBe(false);
  });
});

describe("eval --guidance", () => {
  const evaluate = (...words: string[]) =>
    succeeds("eval", "--model", MODEL, "--judge", JUDGE, "--count", "20", ...FEW, ...words);

  it("judges guided images, and the loss of the network itself", () => {
    evaluate("--out", at("plain"));
    evaluate("--guidance", "2.5", "--out", at("guided"));
    const [plain, guided] = ["plain", "guided"].map((name) =>
      JSON.parse(readFileSync(at(name, "eval.json"), "utf8")),
    );
    expect(plain.drawn).not.toHaveProperty("guidance");
    expect(guided.drawn.guidance).toBe(2.5);
    expect(guided.lossByTimestep).toEqual(plain.lossByTimestep);
    expect(guided.frechet.drawn).not.toBe(plain.frechet.drawn);
  });

  it("belongs to an export of the same guidance", () => {
    const release = (name: string, ...words: string[]) =>
      trainer("export", "--model", MODEL, "--as", "onnx", "--eval", at(name), ...words, "--out", at("card"));
    expect(release("plain", "--guidance", "2.5").stderr).toMatch(
      /its images were drawn with no guidance, expected guidance 2\.5; give both commands the same --guidance/,
    );
    expect(release("guided").stderr).toMatch(/drawn with guidance 2\.5, expected no guidance/);
    expect(release("guided", "--guidance", "2.5")).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(at("card", "README.md"), "utf8")).toContain("(ddim, 3 steps, guidance 2.5, seed 0)");
  });
});
