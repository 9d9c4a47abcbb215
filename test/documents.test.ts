/** The programs in the READMEs and documents: checked by the compiler, run by Node, and they do what is said. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { formulaIntegers, formulaNoise } from "./golden/formula.js";
import { distance, golden } from "./golden/golden.js";

const root = fileURLToPath(new URL("..", import.meta.url));
// Inside the workspace, so that the packages are found by their names.
const folder = path.join(root, "node_modules/.cache/documents");
const at = (file: string) => path.join(folder, file);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The file of each program, and what its imports begin with where it has several. */
const PROGRAMS = {
  diffusion: ["packages/diffusion/README.md", ""],
  "graph-builder": ["packages/graph-builder/README.md", ""],
  trainer: ["packages/trainer/README.md", ""],
  weights: ["docs/own-network.md", "import { readFileSync, writeFileSync }"],
  practical: ["docs/practical.md", ""],
} as const;
const NAMES = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

const text = (name: keyof typeof PROGRAMS) => readFileSync(path.join(root, PROGRAMS[name][0]), "utf8");

/** The TypeScript of a document. */
function program(name: keyof typeof PROGRAMS): string {
  const [, beginning] = PROGRAMS[name];
  const blocks = [...text(name).matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, code]) => code!)
    .filter((code) => code.startsWith(beginning));
  // The practical's blocks are one program.
  if (name === "practical") return blocks.join("");
  expect(blocks.length).toBe(1);
  return blocks[0]!;
}

const node = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, stdout, stderr };
};

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const name of NAMES) writeFileSync(at(`${name}.ts`), program(name));
  const compilerOptions = {
    composite: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    types: ["node"],
    outDir: ".",
  };
  const extend = path.join(root, "tsconfig.base.json");
  writeFileSync(at("package.json"), `{ "type": "module" }`);
  writeFileSync(
    at("tsconfig.json"),
    JSON.stringify({ extends: extend, compilerOptions, files: NAMES.map((name) => `${name}.ts`) }),
  );
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  expect(node(tsc, "-p", ".")).toEqual({ status: 0, stdout: "", stderr: "" });
});

test.each(["diffusion", "graph-builder"] as const)("%s: what the table names is there", async (name) => {
  const module = (await import(`@onnx-diffusion/${name}`)) as Record<string, unknown>;
  const rows = text(name)
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.includes(".ts)"));
  // Names, and calls such as `gradients(loss, wrt)`.
  const names = rows.flatMap((row) =>
    [...row.matchAll(/`([a-zA-Z]\w*)(?:\([^`]*\))?`/g)].map((match) => match[1]!),
  );
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((each) => !(each in module))).toEqual([]);
});

test("diffusion: the sampler arrives at the image", () => {
  const { status, stdout, stderr } = node("diffusion.js");
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout.trim().split("\n").at(-1)).toBe("10 of 10: 0.25");
});

test("trainer: the test digits are there, and the command answers", () => {
  const { status, stdout, stderr } = node("trainer.js");
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("trainer sample --model DIR");
  expect(stdout.trim().split("\n").at(-1)).toBe("10000 10 0");
});

test("weights: those of PyTorch run in the emitted graph", async () => {
  const cli = path.join(root, "packages/graph-builder/dist/cli.js");
  const options = ["channels=4,5,6,7", "bottleneck=8", "up=8,7,6,5"].flatMap((o) => ["--option", o]);
  expect(node(cli, "emit", "unet-cond", ...options).stderr).toBe("");
  copyFileSync(path.join(root, "test/golden/state-dict-float32.safetensors"), at("unet.safetensors"));
  expect(node("weights.js")).toEqual({ status: 0, stdout: "", stderr: "" });
  const session = await InferenceSession.create(at("models/unet-cond/inference_model.onnx"));
  const { out_sample } = await session.run({
    sample: new Tensor("float32", formulaNoise("state-dict/sample", 4), [4, 3, 32, 32]),
    class_labels: new Tensor("int32", formulaIntegers("state-dict/labels", 4, 10), [4]),
  });
  // Two float32 runs of ten convolutions, each about 1e-6 from the truth.
  expect(
    distance(out_sample!.data as Float32Array, golden("state-dict-outputs").get("float32")),
  ).toBeLessThan(1e-5);
});

test("practical: a batch is learnt, a network trained and drawn from, and the networks are those of models/", () => {
  vi.stubEnv("STEPS", "2");
  const { status, stdout, stderr } = node("practical.js");
  vi.unstubAllEnvs();
  expect([status, stderr]).toEqual([0, ""]);
  const [, before, after] = /the loss falls from (\d\.\d+) to (\d\.\d+)/.exec(stdout)!;
  // one batch, whose noise is mostly what is seen: two layers learn to hand it through
  expect(Number(after)).toBeLessThan(Number(before) / 2);
  expect(stdout).toContain("done: 2 steps; the model is in practical/run/model");
  expect(stdout.trim().split("\n").slice(-2)).toEqual([
    "four images of 3072 values",
    expect.stringMatching(/^\d+ nodes, with guidance \d+$/),
  ]);
  for (const name of ["conv", "unet", "unet-cond", "unet-time"]) {
    for (const graph of ["training_loop", "training_step", "inference_model"]) {
      const [theirs, ours] = [at("practical"), path.join(root, "models")].map((models) =>
        readFileSync(path.join(models, name, `${graph}.onnx`)),
      );
      expect(theirs!.equals(ours!), `${name}/${graph}`).toBe(true);
    }
  }
});

test.each([
  "README.md",
  ...readdirSync(path.join(root, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
])("%s: what it links to is there", (file) => {
  const links = [...readFileSync(path.join(root, file), "utf8").matchAll(/\]\(([^)\s]+)\)/g)].map(
    (match) => match[1]!,
  );
  const paths = links.filter((link) => !/^(https?:|#)/.test(link)).map((link) => link.split("#")[0]!);
  const missing = paths.filter((link) => !existsSync(path.join(root, path.dirname(file), link)));
  expect(missing).toEqual([]);
});

describe("graph-builder", () => {
  test("the program is 20 lines beside its imports", () => {
    const [, body] = program("graph-builder").split('from "@onnx-diffusion/graph-builder";\n');
    const lines = body!.split("\n").filter((line) => line !== "" && !line.startsWith("//"));
    expect(lines.length).toBeLessThanOrEqual(20);
  });

  test("the network learns exclusive or", async () => {
    expect(node("graph-builder.js")).toEqual({ status: 0, stdout: "", stderr: "" });
    const session = await InferenceSession.create(at("step.onnx"));
    const shapes = { "hidden.weight": [8, 2], "hidden.bias": [8], "out.weight": [1, 8], "out.bias": [1] };
    const ofRandom = (dims: number[]) => {
      const size = dims.reduce((a, b) => a * b, 1);
      return new Tensor(
        "float32",
        Float32Array.from({ length: size }, (_, i) => Math.sin(7 * i + 3 * size)),
        dims,
      );
    };
    let weights = Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, ofRandom(dims)]));
    const data = {
      x: new Tensor("float32", [0, 0, 0, 1, 1, 0, 1, 1], [4, 2]),
      target: new Tensor("float32", [0, 1, 1, 0], [4, 1]),
      rate: new Tensor("float32", [0.2], []),
    };
    const losses: number[] = [];
    for (let step = 0; step < 2000; step++) {
      const results = await session.run({ ...weights, ...data });
      weights = Object.fromEntries(
        Object.keys(shapes).map((name) => [name, results[`${name}.next`] as typeof data.x]),
      );
      losses.push(results.loss!.data[0] as number);
    }
    // No line separates the classes: the best linear prediction is 1/2 everywhere, with a loss of 1/4.
    expect(losses[0]).toBeGreaterThan(0.1);
    expect(losses.at(-1)).toBeLessThan(0.01);
  });
});
