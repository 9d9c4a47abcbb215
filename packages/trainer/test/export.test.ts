/** `trainer export`: each form is run, read back and compared with the float32 model. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodeSafetensors,
  encodeSafetensors,
  fillImageNoise,
  fromHalf,
  initialise,
  linearSchedule,
  parseManifest,
} from "@onnx-diffusion/diffusion";
import { modelFiles, readOnnx, unetTime, writeOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOfBytes } from "../src/artifacts.js";
import { FORMS } from "../src/forms/index.js";
import { emitSmallModel, trainer } from "./small-model.js";

const folder = mkdtempSync(join(tmpdir(), "export-"));
const at = (...parts: string[]) => join(folder, ...parts);
const MODEL = at("run", "model");
let artifacts = "";
/** The forms that are model folders. */
const FOLDERS = ["onnx", "single", "fp16-weights", "fp16", "int8-weights"] as const;

beforeAll(() => {
  artifacts = emitSmallModel();
  const { status, stderr } = trainer(
    ...["--artifacts", artifacts, "--out", at("run"), "--steps", "20", "--lr", "1e-3", "--sample-every", "0"],
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  for (const form of FOLDERS) expect(exportAs(form)).toMatchObject({ status: 0, stderr: "" });
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

const exportAs = (form: string) => trainer("export", "--model", MODEL, "--as", form, "--out", at(form));

describe("every form that is a model folder", () => {
  it.each([
    // the same numbers in another file
    ["onnx", 0],
    ["single", 0],
    // weights of 11 bits are off by 2^-12 at most, of which layers average much away
    ["fp16-weights", 2 ** -11],
    // every value between layers is rounded so, in a network of some thirty layers
    ["fp16", 30 * 2 ** -11],
    // kernels in steps of 1/127 of their largest value: off by 2^-8 of that, which is a few times the usual one
    ["int8-weights", 8 * 2 ** -8],
  ])("%s gives the predictions of the original, and samples", async (form, most) => {
    const out = at(form);
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
    // the tests run from a checkout
    expect(metadata.git_revision).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
    const { form, ...trained } = readOnnx(readFileSync(join(MODEL, "inference_model.onnx"))).metadata;
    expect(metadata).toEqual({ ...trained, form: "fp16-weights" });
    expect(form).toBe("onnx");
    const weights = decodeSafetensors(readFileSync(at("fp16-weights", "weights.safetensors")), "weights");
    expect(Object.fromEntries(weights.metadata)).toEqual(metadata);
    const card = readFileSync(at("fp16-weights", "README.md"), "utf8");
    expect(card).toContain("Exported as `fp16-weights`");
    expect(card).toMatch(/predicted noise: off by [1-9]\.\de-\d of its size at the worst of 400 steps/);
  });
});

describe("--diet", () => {
  const diet = (as: string, ...more: string[]) =>
    trainer("export", "--model", MODEL, "--as", as, "--diet", ...more, "--out", at(`${as}-diet`));

  it("of a single file is verified, and off by rounding alone", async () => {
    expect(diet("single")).toMatchObject({ status: 0, stderr: "" });
    expect(trainer("verify", at("single-diet"))).toMatchObject({ status: 0, stderr: "" });
    const [ours, theirs] = [join(MODEL, "inference_model.onnx"), at("single-diet", "inference_model.onnx")];
    // batch norms are multiplied into float32 weights
    expect(relative(await epsOf(ours), await epsOf(theirs))).toBeLessThan(1e-5);
    expect(readFileSync(at("single-diet", "README.md"), "utf8")).toContain("ONNX's operator set 13");
  });

  it("is for forms in one file, and for noise that is given", () => {
    expect(diet("fp16").stderr).toMatch(/^trainer: --diet: --as fp16 has none, single and sampler have/);
    expect(diet("sampler", "--noise", "seed")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("which --diet is there to avoid"),
    });
    expect(existsSync(at("sampler-diet"))).toBe(false);
  });
});

describe("--judge", () => {
  const judge = fileURLToPath(new URL("../../../models/judge", import.meta.url));
  const judged = (form: string) => ["--model", MODEL, "--as", form, "--judge", judge, "--count", "100"];

  it("says in the card what a classifier makes of the form's images, of the original's and of real ones", () => {
    const { status, stderr } = trainer("export", ...judged("onnx"), "--out", at("judged"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const card = readFileSync(at("judged", "README.md"), "utf8");
    const [, accuracy, accuracy32] =
      /([\d.]+) % show the class .*; the original's ([\d.]+) %/.exec(card) ?? [];
    const [, form, float32, real] =
      /classifier's features: ([\d.]+); the original's ([\d.]+), training images' ([\d.]+)$/m.exec(card) ??
      [];
    // the same numbers in another file: the same images
    expect([accuracy, form]).toEqual([accuracy32, float32]);
    // twenty steps of training draw no digits
    expect(Number(form)).toBeGreaterThan(2 * Number(real));
  });

  it("is for forms that are run", () => {
    expect(trainer("export", ...judged("sampler"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--judge: --as sampler has the model's own numbers"),
    });
    expect(trainer("export", "--model", MODEL, "--as", "onnx", "--count", "100")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("give --judge too"),
    });
  });
});

describe("--quick", () => {
  const quick = ["export", "--model", MODEL, "--as", "fp16-weights", "--quick"];

  it("writes the same form, with a card that tells nothing of its drawings", () => {
    const { status, stderr } = trainer(...quick, "--out", at("quick"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const name of ["inference_model.onnx", "weights.safetensors"]) {
      const [one, other] = ["quick", "fp16-weights"].map((out) => readFileSync(at(out, name)));
      expect(one!.equals(other!)).toBe(true);
    }
    expect(readdirSync(at("quick"))).not.toContain("samples.png");
    expect(readFileSync(at("quick", "README.md"), "utf8")).not.toMatch(/samples\.png|Against the model/);
    expect(trainer("verify", at("quick"))).toMatchObject({ status: 0, stderr: "" });
  });

  it("has nothing to show to a judge", () => {
    expect(trainer(...quick, "--judge", "models/judge")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--quick: --judge looks at what the form draws"),
    });
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

  it("is a source of other forms, with the numbers that it has", async () => {
    const out = at("from-half");
    const words = ["--model", at("fp16-weights"), "--as", "single", "--out", out];
    expect(trainer("export", ...words)).toMatchObject({ status: 0, stderr: "" });
    const [half, whole] = [at("fp16-weights"), out].map((dir) => join(dir, "inference_model.onnx"));
    expect(await epsOf(whole!)).toEqual(await epsOf(half!));
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

describe("int8-weights", () => {
  it("holds each kernel as whole numbers and a scale for each index of the first axis", () => {
    const { tensors } = decodeSafetensors(readFileSync(at("int8-weights", "weights.safetensors")), "w");
    const [kernel, scale] = [tensors.get("down1.conv.weight")!, tensors.get("down1.conv.weight.scale")!];
    const whole = decodeSafetensors(readFileSync(join(MODEL, "weights.safetensors")), "w");
    const values = whole.tensors.get("down1.conv.weight")!.data as Float32Array;
    expect(kernel.dtype).toBe("I8");
    expect(scale.shape).toEqual([kernel.shape[0], 1, 1, 1]);
    const width = values.length / kernel.shape[0]!;
    for (const [i, x] of values.entries()) {
      const step = Number(scale.data[Math.floor(i / width)]);
      // half a step, and the rounding of the division that found the number of steps
      if (!(Math.abs(x - step * Number(kernel.data[i])) <= step * 0.50001)) expect.fail(`value ${i}`);
    }
  });
});

describe("fp16", () => {
  it("multiplies in float16, and takes and gives float32", async () => {
    const { graph } = readOnnx(readFileSync(at("fp16", "inference_model.onnx")));
    expect(graph.inputs[0]).toMatchObject({ name: "sample", dtype: "float32" });
    expect(graph.outputs).toMatchObject([{ name: "out_sample", dtype: "float32" }]);
    const kernels = graph.nodes
      .filter(({ opType }) => opType.startsWith("Conv"))
      .map(({ inputs }) => inputs[1]!);
    const types = new Map(graph.initializers.map(({ name, dtype }) => [name, dtype]));
    expect(kernels.length).toBeGreaterThan(5);
    expect(new Set(kernels.map((name) => types.get(name)))).toEqual(new Set(["float16"]));
  });

  it("holds variances that are larger than its largest number", async () => {
    // 2^18: two halvings of the scale
    const model = damaged("wide", "up1.bn.running_var", 262_144);
    const words = ["--model", model, "--as", "fp16", "--out", at("wide-fp16")];
    expect(trainer("export", ...words)).toMatchObject({ status: 0, stderr: "" });
    const off = relative(
      await epsOf(join(model, "inference_model.onnx")),
      await epsOf(at("wide-fp16", "inference_model.onnx")),
    );
    // as of the other weights
    expect(off).toBeLessThanOrEqual(30 * 2 ** -11);
    expect(trainer("verify", at("wide-fp16"))).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("state-dict", () => {
  it("is what training exported, under PyTorch's names", () => {
    expect(exportAs("state-dict")).toMatchObject({ status: 0, stderr: "" });
    const [found, trained] = [at("state-dict", "model.safetensors"), join(MODEL, "weights.safetensors")].map(
      (path) => decodeSafetensors(readFileSync(path), path),
    );
    expect(found!.tensors).toEqual(trained!.tensors);
    const { metadata } = readOnnx(readFileSync(join(MODEL, "inference_model.onnx")));
    expect(Object.fromEntries(found!.metadata)).toEqual({ ...metadata, form: "state-dict" });
    expect(readdirSync(at("state-dict")).sort()).toEqual(["README.md", "model.safetensors"]);
  });
});

describe("huggingface", () => {
  it("has the network and a scheduler with the same noise levels", async () => {
    expect(exportAs("huggingface")).toMatchObject({ status: 0, stderr: "" });
    const [ours, theirs] = [join(MODEL, "inference_model.onnx"), at("huggingface", "unet", "model.onnx")];
    expect(relative(await epsOf(ours), await epsOf(theirs))).toBe(0);
    const config = JSON.parse(readFileSync(at("huggingface", "scheduler", "scheduler_config.json"), "utf8"));
    const { alphaBar } = linearSchedule({ T: 400, betaStart: 1e-4, betaEnd: 0.02 }).float64;
    // diffusers: alphas_cumprod = cumprod(1 - betas)
    let product = 1;
    for (const [i, beta] of (config.trained_betas as number[]).entries()) {
      product *= 1 - beta;
      // 400 products, each rounded to 2^-53
      expect(Math.abs(product / alphaBar[i + 1]! - 1)).toBeLessThan(400 * 2 ** -53);
    }
    expect(config.trained_betas).toHaveLength(400);
  });

  it("has a card with the hub's metadata", () => {
    const card = readFileSync(at("huggingface", "README.md"), "utf8");
    expect(card).toMatch(
      /^---\nlibrary_name: onnx\npipeline_tag: unconditional-image-generation\ndatasets:\n- mnist\ntags:\n- diffusion\n- onnx\n---\n/,
    );
    expect(readdirSync(at("huggingface"), { recursive: true }).sort()).toEqual(
      [
        "README.md",
        "config.json",
        "scheduler",
        join("scheduler", "scheduler_config.json"),
        "unet",
        join("unet", "model.onnx"),
        join("unet", "model.onnx.safetensors"),
      ].sort(),
    );
  });

  it("counts timesteps from 0", async () => {
    const widths = { channels: [4, 4, 4, 4], bottleneck: 4, up: [4, 4, 4, 4] } as const;
    const files = await modelFiles(unetTime(widths));
    const manifest = parseManifest(new TextDecoder().decode(files.get("manifest.json")), "manifest");
    const weights = new Map(
      manifest.state
        .filter(({ kind }) => kind === "parameter" || kind === "buffer")
        .map((tensor, i) => [tensor.name, initialise(tensor, i, 1) as Float32Array<ArrayBuffer>]),
    );
    const model = readOnnx(files.get("inference_model.onnx")!);
    const sampling = { sampler: "ddim", steps: undefined, spacing: "trailing", noise: "seed" } as const;
    const source = { manifest, model, weights, provenance: {}, sampling, diet: false };
    const predict = async (form: "onnx" | "huggingface", timestep: number) => {
      const [graph, data] = FORMS[form].files(source);
      const session = await InferenceSession.create(graph!.bytes, {
        externalData: [{ path: data!.name.split("/").at(-1)!, data: data!.bytes }],
      });
      const { out_sample } = await session.run({
        // of all sizes, so that something passes the few ReLUs
        sample: new Tensor(
          "float32",
          Float32Array.from({ length: 3072 }, (_, i) => 3 * Math.sin(i)),
          [1, 3, 32, 32],
        ),
        timestep: new Tensor("int32", Int32Array.of(timestep), [1]),
        class_labels: new Tensor("int32", Int32Array.of(3), [1]),
      });
      return out_sample!.data;
    };
    expect(await predict("huggingface", 99)).toEqual(await predict("onnx", 100));
    expect(await predict("huggingface", 99)).not.toEqual(await predict("onnx", 99));
  });
});

/** A copy of the model with another file, and a manifest that says so. */
function changed(name: string, file: string, bytes: Uint8Array): string {
  const copy = at(name);
  cpSync(MODEL, copy, { recursive: true });
  writeFileSync(join(copy, file), bytes);
  const manifest = JSON.parse(readFileSync(join(copy, "manifest.json"), "utf8"));
  manifest.files[file] = digestOfBytes(bytes);
  writeFileSync(join(copy, "manifest.json"), JSON.stringify(manifest));
  return copy;
}

/** A copy of the model in which the first value of a weight is another, with a manifest that says so. */
function damaged(name: string, tensor: string, value: number): string {
  const { tensors } = decodeSafetensors(Buffer.from(readFileSync(join(MODEL, "weights.safetensors"))), "w");
  (tensors.get(tensor)!.data as Float32Array)[0] = value;
  const bytes = encodeSafetensors([...tensors].map(([key, stored]) => ({ name: key, ...stored })));
  return changed(name, "weights.safetensors", bytes);
}

describe("sampler", () => {
  it.each([
    ["ddim", "seed"],
    ["ddpm", "input"],
    // as they come: noise for a sampler that takes none on its way, a seed for one that does
    ["euler", ""],
    ["ddpm", ""],
  ])("%s with its noise from '%s' draws what `trainer sample` draws", async (name, noise) => {
    const [out, raw] = [at(`sampler-${name}-${noise}`), at(`sampler-${name}-${noise}.npy`)];
    const how = ["--sampler", name, "--steps", "3"];
    const exported = trainer(
      "export",
      "--model",
      MODEL,
      "--as",
      "sampler",
      ...how,
      ...(noise === "" ? [] : ["--noise", noise]),
      "--out",
      out,
    );
    expect(exported).toMatchObject({ status: 0, stderr: "" });
    const drawn = trainer(
      "sample",
      "--model",
      MODEL,
      ...how,
      "--seed",
      "5",
      "--out",
      at("s.png"),
      "--raw",
      raw,
    );
    expect(drawn).toMatchObject({ status: 0 });
    const wanted = readFileSync(raw).subarray(-10 * 32 * 32 * 3);

    const size = 3 * 32 * 32;
    const normals = (purpose: "sampleInitial" | "sampleStep", row: number) => {
      const values = new Float32Array(10 * size);
      fillImageNoise(values, { seed: 5, purpose, row, size });
      return values;
    };
    const shape = [10, 3, 32, 32];
    const steps = [0, 1, 2].flatMap((row) => [...normals("sampleStep", row)]);
    const session = await InferenceSession.create(join(out, "sampler.onnx"), { logSeverityLevel: 3 });
    const { images } = await session.run({
      class_labels: new Tensor(
        "int32",
        Int32Array.from({ length: 10 }, (_, i) => i),
        [10],
      ),
      ...(noise === "seed" || (noise === "" && name === "ddpm")
        ? { seed: new Tensor("int64", BigInt64Array.of(5n), []) }
        : {
            noise: new Tensor("float32", normals("sampleInitial", 0), shape),
            ...(name === "ddpm" && {
              step_noise: new Tensor("float32", Float32Array.from(steps), [3, ...shape]),
            }),
          }),
    });
    await session.release();
    expect(images!.dims).toEqual([10, 32, 32, 3]);
    // the kernels that ONNX Runtime takes inside a Loop round otherwise: one level of 255
    const apart = (images!.data as Uint8Array).map((value, i) => Math.abs(value - wanted[i]!));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(new Set(wanted).size).toBeGreaterThan(50);
  });

  it("on a diet takes the noise of every step, and has no Loop", async () => {
    const out = at("sampler-diet");
    const how = ["--sampler", "ddpm", "--steps", "3"];
    const exported = trainer("export", "--model", MODEL, "--as", "sampler", ...how, "--diet", "--out", out);
    expect(exported).toMatchObject({ status: 0, stderr: "" });
    const { graph, opset, metadata } = readOnnx(readFileSync(join(out, "sampler.onnx")));
    expect(graph.inputs.map(({ name }) => name)).toEqual(["noise", "step_noise", "class_labels"]);
    expect(graph.nodes.map(({ opType }) => opType)).not.toContain("Loop");
    expect({ opset, form: metadata.form }).toEqual({ opset: 13, form: "sampler, diet" });
  });

  it("alone has a sampler", () => {
    expect(trainer("export", "--model", MODEL, "--as", "single", "--steps", "3")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--steps: only --as sampler has one"),
    });
    const many = trainer("export", "--model", MODEL, "--as", "sampler", "--steps", "401", "--out", at("x"));
    expect(many).toMatchObject({ status: 2, stderr: expect.stringContaining("at most the model's T = 400") });
  });
});

describe("verify", () => {
  const verify = (path: string) => {
    const { status, stdout, stderr } = trainer("verify", path);
    return { status, stdout, stderr: stderr.trimEnd() };
  };
  /** A copy of an export in which some files are others. */
  const copy = (form: string, name: string, files: Readonly<Record<string, Uint8Array>>): string => {
    cpSync(at(form), at(name), { recursive: true });
    for (const [file, bytes] of Object.entries(files)) writeFileSync(at(name, file), bytes);
    return at(name);
  };
  const graphOf = (form: string) => readFileSync(at(form, "inference_model.onnx"));

  it.each(FOLDERS)("finds %s whole", (form) => {
    const { status, stdout, stderr } = verify(at(form));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/ok {2}the known answer, to \S+\n$/);
  });

  it("takes an authored folder, and one that training exported", () => {
    expect(verify(artifacts)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("training_loop.onnx: operator set 21"),
    });
    expect(verify(MODEL)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("ok  the known answer, to"),
    });
    // folders of before there were answers
    const { knownAnswer, ...manifest } = JSON.parse(readFileSync(join(MODEL, "manifest.json"), "utf8"));
    expect(knownAnswer.values.length).toBe(16);
    const silent = at("no-answer");
    cpSync(MODEL, silent, { recursive: true });
    writeFileSync(join(silent, "manifest.json"), JSON.stringify(manifest));
    expect(verify(silent)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("has no known answer"),
    });
  });

  it("names the file of another export", () => {
    const mixed = copy("onnx", "mixed", { "inference_model.onnx": graphOf("fp16-weights") });
    expect(verify(mixed)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /"down1.bn.weight" float32 \[8\] is at byte \d+ of .* where there is no tensor; the two are not of one export$/,
      ),
    });
    // the same graph, so that every tensor is where it is looked for, but of other provenance
    const model = readOnnx(graphOf("onnx"));
    const other = writeOnnx({ ...model, metadata: { ...model.metadata, seed: "7" } });
    expect(verify(copy("onnx", "other-seed", { "inference_model.onnx": other })).stderr).toMatch(
      /weights.safetensors: its seed is 0, that of inference_model.onnx is 7; the files are from two exports$/,
    );
  });

  it("names what is cut short, of a newer operator set, of another domain, or of another shape", () => {
    const weights = readFileSync(at("onnx", "weights.safetensors"));
    expect(
      verify(copy("onnx", "short", { "weights.safetensors": weights.subarray(0, 5000) })).stderr,
    ).toMatch(
      /weights.safetensors: tensor "down1.conv.weight" ends at byte 1536 of the data, which has \d+; the file is damaged/,
    );
    const model = readOnnx(graphOf("onnx"));
    const written = (name: string, other: Partial<typeof model>) =>
      verify(copy("onnx", name, { "inference_model.onnx": writeOnnx({ ...model, ...other }) })).stderr;
    expect(written("newer", { opset: 24 })).toMatch(/found operator set 24, expected 21 or less/);
    const { graph } = model;
    const [first, ...rest] = graph.nodes;
    expect(
      written("domain", { graph: { ...graph, nodes: [{ ...first!, domain: "com.example" }, ...rest] } }),
    ).toMatch(/is com\.example\.\w+, expected operators of ONNX's own domain/);
    const [sample, ...others] = graph.inputs;
    const wide = { ...sample!, shape: ["batch", 3, 64, 64] };
    expect(written("wide", { graph: { ...graph, inputs: [wide, ...others] } })).toMatch(
      /input 0 is "sample" float32 \[batch, 3, 64, 64\], the manifest says "sample" float32 \[batch, 3, 32, 32\]/,
    );
  });

  it("names a weight that is no number, and an answer that is another", () => {
    expect(verify(damaged("nan-too", "up3.bn.weight", Number.NaN)).stderr).toMatch(
      /weights.safetensors: value 0 of "up3.bn.weight" is not a finite number/,
    );
    const manifest = JSON.parse(readFileSync(at("onnx", "manifest.json"), "utf8"));
    manifest.knownAnswer.values[3] += 0.1;
    const wrong = copy("onnx", "answer", { "manifest.json": Buffer.from(JSON.stringify(manifest)) });
    expect(verify(wrong).stderr).toMatch(/value 3 of the known answer is .* here, the manifest says/);
    expect(verify(at("state-dict"))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^trainer: verify .*: the folder has no manifest.json; give a model folder, which the forms state-/,
      ),
    });
    expect(trainer("verify")).toMatchObject({ status: 2, stderr: expect.stringContaining("which folder?") });
  });
});

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
    const file = join(MODEL, "README.md");
    const card = readFileSync(file, "utf8");
    for (const there of [MODEL, file]) {
      expect(fails("--model", MODEL, "--as", "onnx", "--out", there).stderr).toMatch(
        /it is there already; give another/,
      );
    }
    expect(readFileSync(file, "utf8")).toBe(card);
    expect(fails("--model", at("fp16"), "--as", "single", "--out", at("x")).stderr).toMatch(
      /"down1.conv.weight.float16" is float16, expected float32 weights in weights.safetensors/,
    );
    expect(fails("--model", at("single"), "--as", "onnx", "--out", at("x")).stderr).toMatch(
      /cannot read .*weights.safetensors/,
    );
    expect(existsSync(at("x"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("a newer operator set, and files of two exports", () => {
    const graph = readOnnx(readFileSync(join(MODEL, "inference_model.onnx")));
    const newer = changed("newer-model", "inference_model.onnx", writeOnnx({ ...graph, opset: 24 }));
    expect(fails("--model", newer, "--as", "single", "--out", at("x")).stderr).toMatch(
      /inference_model.onnx: found operator set 24, expected 21 or less/,
    );
    const halves = readFileSync(at("fp16-weights", "inference_model.onnx"));
    const mixed = at("mixed-model");
    cpSync(MODEL, mixed, { recursive: true });
    writeFileSync(join(mixed, "inference_model.onnx"), halves);
    expect(fails("--model", mixed, "--as", "single", "--out", at("x")).stderr).toMatch(
      /inference_model.onnx: its SHA-256 is .*, the manifest says .*damaged or swapped/,
    );
    expect(trainer("sample", "--model", mixed, "--out", at("x.png")).stderr).toMatch(/damaged or swapped/);
    expect([existsSync(at("x")), existsSync(at("x.png"))]).toEqual([false, false]);
  });

  it("a weight that is no number, a file cut short, a file of another model", () => {
    const nan = damaged("nan", "up3.bn.weight", Number.NaN);
    expect(fails("--model", nan, "--as", "onnx", "--out", at("x")).stderr).toMatch(
      /weights.safetensors: "up3.bn.weight" holds values that are not finite numbers/,
    );
    // the manifest's digest is that of these weights: black pictures would be all that tells
    const drawn = trainer(
      "sample",
      "--model",
      nan,
      "--steps",
      "2",
      "--sampler",
      "ddim",
      "--out",
      at("x.png"),
    );
    expect(drawn.stderr).toMatch(
      /^trainer: the network gives values that are no numbers; `trainer verify` says/,
    );
    expect([drawn.status, existsSync(at("x.png"))]).toEqual([1, false]);
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
