/** `graph-builder grad` on files that PyTorch wrote: its gradients are PyTorch's; mistakes are refused in one line. */
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  buildModel,
  constant,
  gradientModel,
  input,
  loop,
  mul,
  readOnnx,
  reduceSum,
  relu,
  scalar,
  writeOnnx,
} from "../src/index.js";
import { command } from "./command.js";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const root = mkdtempSync(path.join(tmpdir(), "grad-"));
const folder = path.join(root, "work");
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  cpSync(here("fixtures/pytorch"), folder, { recursive: true });
});

const run = (...args: string[]) => command(folder, ...args);

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const torch = JSON.parse(readFileSync(here("fixtures/pytorch/gradients.json"), "utf8")) as {
  readonly loss: number;
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly gradients: Readonly<Record<string, Numbers>>;
};

/** Runs a file in ONNX Runtime on PyTorch's inputs. */
async function evaluate(file: string) {
  const session = await InferenceSession.create(path.join(folder, file), { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(torch.inputs).map(([name, { shape, data }]) => [
      name,
      new OrtTensor("float32", Float32Array.from(data), shape),
    ]),
  );
  return { names: [...session.outputNames], results: await session.run(feeds) };
}

/**
 * float32: sums of up to 72 products (a 2x3x3 kernel over a 3x3 plane of two images, by 2 or 3 layers) whose order
 * differs, each off by 6e-8 of terms no larger than 1.
 */
const TOLERANCE = 2e-6;

function expectGradients(results: InferenceSession.OnnxValueMapType, names: readonly string[]): void {
  for (const name of names) {
    const { shape, data } = torch.gradients[name]!;
    const found = results[`${name}_grad`] as OrtTensor;
    expect(found.dims).toEqual(shape);
    const off = data.map((value, i) => Math.abs(value - Number(found.data[i])));
    expect(Math.max(...off)).toBeLessThan(TOLERANCE);
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(100 * TOLERANCE);
  }
}

describe.each(["exported.onnx", "legacy.onnx"])("%s", (file) => {
  const all = Object.keys(torch.gradients);

  test("has PyTorch's gradients by an input and every weight", async () => {
    const { status, stderr } = await run(
      "grad",
      file,
      "--of",
      "loss",
      "--wrt",
      all.join(","),
      "--out",
      "grad.onnx",
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { names, results } = await evaluate("grad.onnx");
    expect(names).toEqual(["loss", "y", ...all.map((name) => `${name}_grad`)]);
    expect(Math.abs(Number((results.loss as OrtTensor).data[0]) - torch.loss)).toBeLessThan(TOLERANCE);
    expectGradients(results, all);
  });

  test("has them in another folder too, where the weights are inside the file", async () => {
    mkdirSync(path.join(folder, "away"));
    expect(
      (await run("grad", file, "--of", "loss", "--wrt", "image", "--out", "away/grad.onnx")).status,
    ).toBe(0);
    expect(readdirSync(path.join(folder, "away"))).toEqual(["grad.onnx"]);
    expectGradients((await evaluate("away/grad.onnx")).results, ["image"]);
  });
});

test("values in between, and the sum of a result that is more than one number", async () => {
  const { graph } = readOnnx(readFileSync(path.join(folder, "exported.onnx")));
  const inner = graph.nodes.find((n) => n.opType === "Conv")!.outputs[0]!;
  const result = await run(
    "grad",
    "exported.onnx",
    "--of",
    "y",
    "--sum",
    "--wrt",
    inner,
    "--out",
    "grad.onnx",
  );
  expect(result.stdout).toBe(
    `grad.onnx: ${result.stdout.match(/\d+ nodes/)![0]}, ${result.stdout.match(/[\d.]+ kB/)![0]}\n  ${inner}_grad  float32 [batch, 4, 3, 3]\n`,
  );
  const { results } = await evaluate("grad.onnx");
  // The bias is added to every pixel, so the gradient by it is the sum of those by the pixels.
  await run("grad", "exported.onnx", "--of", "y", "--sum", "--wrt", "conv.bias", "--out", "bias.onnx");
  const bias = (await evaluate("bias.onnx")).results["conv.bias_grad"] as OrtTensor;
  const whole = results[`${inner}_grad`] as OrtTensor;
  const sums = Array.from({ length: 4 }, (_, c) => {
    let sum = 0;
    for (let n = 0; n < 2; n++) for (let i = 0; i < 9; i++) sum += Number(whole.data[(n * 4 + c) * 9 + i]);
    return sum;
  });
  for (const [c, sum] of sums.entries()) expect(Math.abs(sum - Number(bias.data[c]))).toBeLessThan(TOLERANCE);
});

test("names of nodes, values and weights stay", async () => {
  await run("grad", "exported.onnx", "--of", "loss", "--wrt", "image", "--out", "grad.onnx");
  const [before, after] = ["exported.onnx", "grad.onnx"].map((f) =>
    readOnnx(readFileSync(path.join(folder, f))),
  );
  const namesOf = (model: typeof before) =>
    model!.graph.nodes
      // Squeeze is read as a Reshape, whose shape is another constant.
      .filter((n) => n.opType !== "Squeeze" && n.opType !== "Reshape")
      .map((n) => `${n.name}: ${n.opType}(${n.inputs}) -> ${n.outputs}`);
  const kept = new Set(namesOf(after));
  expect(namesOf(before).filter((node) => !kept.has(node) && !node.includes("mean"))).toEqual([]);
  const weights = after!.graph.initializers.map((i) => i.name);
  expect(weights).toEqual(expect.arrayContaining(["scale", "conv.weight", "conv.bias", "linear.weight"]));
});

test("weights that are equal stay apart, and outputs in the file's order", () => {
  const x = input("x", "float32", [2]);
  const [a, b] = [constant("float32", [2], [0, 0], "a"), constant("float32", [2], [0, 0], "b")];
  const model = buildModel({
    name: "m",
    inputs: [x],
    outputs: new Map([
      ["10", reduceSum(mul(mul(x, a), b))],
      ["2", relu(x)],
    ]),
  });
  const { graph } = gradientModel(model, { of: "10", wrt: ["b"] });
  expect(graph.initializers.map((i) => i.name)).toEqual(expect.arrayContaining(["a", "b"]));
  expect(graph.outputs.map((o) => o.name)).toEqual(["10", "2", "b_grad"]);
});

const GRAD = ["--of", "loss", "--wrt", "image", "--out", "grad.onnx"];

describe.each<[string, string[], number, string | RegExp, (() => void)?]>([
  [
    "a name that is not there",
    ["grad", "exported.onnx", "--of", "los", ...GRAD.slice(2)],
    1,
    'the model has no value "los"; did you mean "loss"?\n',
  ],
  [
    "a name far from any",
    ["grad", "exported.onnx", ...GRAD.slice(0, 2), "--wrt", "qqqqqqqqqq", ...GRAD.slice(4)],
    1,
    /^the model has no value "qqqqqqqqqq"; it has "loss", "y", "image", .* and \d+ more\n$/,
  ],
  [
    "an empty name",
    ["grad", "exported.onnx", "--of", "loss", "--wrt", "image,,scale", "--out", "grad.onnx"],
    2,
    "--wrt image,,scale: a name is empty; expected names with commas between them, such as x,w1\n",
  ],
  [
    "a result of more than one number",
    ["grad", "exported.onnx", "--of", "y", ...GRAD.slice(2)],
    1,
    '"y" is float32 [batch, 3], more than one number: take its sum (--sum), or name a value that is one number, such as a loss\n',
  ],
  [
    "the result by itself",
    ["grad", "exported.onnx", "--of", "loss", "--wrt", "loss", "--out", "grad.onnx"],
    1,
    'the gradient of "loss" by itself is 1; name other values\n',
  ],
  [
    "a result that does not depend on it",
    ["grad", "exported.onnx", "--of", "y", "--sum", "--wrt", "target", "--out", "grad.onnx"],
    1,
    '"y" does not depend on "target"; leave it out\n',
  ],
  [
    "no flags",
    ["grad", "exported.onnx"],
    2,
    "graph-builder: Missing required arguments: of, wrt, out; see --help\n",
  ],
  [
    "a model that is not there",
    ["grad", "nowhere.onnx", ...GRAD],
    1,
    "cannot read model nowhere.onnx: no such file or folder; check the path\n",
  ],
  ["a folder", ["grad", ".", ...GRAD], 1, "model . is a folder; name the .onnx file\n"],
  [
    "a file of another kind",
    ["grad", "export.py", ...GRAD],
    1,
    /^model \S+: not an ONNX model: the file is damaged or of another kind \(.*at byte \d+\); export it again\n$/,
  ],
  [
    "the model's own file",
    ["grad", "exported.onnx", ...GRAD.slice(0, 4), "--out", "./exported.onnx"],
    2,
    "--out ./exported.onnx: this is the model's own file exported.onnx; choose another name\n",
  ],
  [
    "the file that its weights lie in",
    ["grad", "legacy.onnx", ...GRAD.slice(0, 4), "--out", "legacy.weights"],
    2,
    "--out legacy.weights: this is the model's own file legacy.weights; choose another name\n",
  ],
  [
    "the model's own file through a link",
    ["grad", "exported.onnx", ...GRAD.slice(0, 4), "--out", "link.onnx"],
    2,
    "--out link.onnx: this is the model's own file exported.onnx; choose another name\n",
    () => symlinkSync("exported.onnx", path.join(folder, "link.onnx")),
  ],
  [
    "a folder that is not there",
    ["grad", "exported.onnx", ...GRAD.slice(0, 4), "--out", "no/where/grad.onnx"],
    1,
    "cannot write no/where/grad.onnx: no such file or folder; check the path\n",
  ],
  [
    "a folder in the place of the file",
    ["grad", "exported.onnx", ...GRAD.slice(0, 4), "--out", "sub"],
    1,
    "cannot write sub: it is a folder, a file was expected; choose another path\n",
    () => mkdirSync(path.join(folder, "sub")),
  ],
  [
    "weights that are not there",
    ["grad", "legacy.onnx", ...GRAD],
    1,
    'cannot read external data "legacy.weights" beside the model (in .): no such file or folder; check the path\n',
    () => rmSync(path.join(folder, "legacy.weights")),
  ],
  [
    "weights that are cut off",
    ["grad", "legacy.onnx", ...GRAD],
    1,
    /^external data "legacy.weights" beside the model is 100 bytes long, but the model has data in it up to byte \d+; the file is cut off or another one\n$/,
    () => truncateSync(path.join(folder, "legacy.weights"), 100),
  ],
  [
    "weights behind a link that leads out",
    ["grad", "legacy.onnx", ...GRAD],
    1,
    'external data "legacy.weights" beside the model is a link that leads out of the model\'s folder, which could show any file of this machine; copy the file into the folder\n',
    () => {
      copyFileSync(path.join(folder, "legacy.weights"), path.join(root, "outside"));
      rmSync(path.join(folder, "legacy.weights"));
      symlinkSync("../outside", path.join(folder, "legacy.weights"));
    },
  ],
  [
    "weights that are a folder",
    ["grad", "legacy.onnx", ...GRAD],
    1,
    'external data "legacy.weights" beside the model is no file; check the folder .\n',
    () => {
      rmSync(path.join(folder, "legacy.weights"));
      mkdirSync(path.join(folder, "legacy.weights"));
    },
  ],
  [
    "an operator without a gradient on the way",
    ["grad", "loop.onnx", "--of", "total", "--wrt", "x", "--out", "grad.onnx"],
    1,
    /^gradients: Loop "repeat\/Loop": a gradient has to pass it, and it has no rule for that; .*\n$/,
    () => {
      const x = input("x", "float32", [2]);
      const { carried } = loop({ trips: scalar(3, "int64"), carried: [x] }, (_, [y]) => ({
        carried: [mul(y!, 2)],
      }));
      const model = buildModel({ name: "m", inputs: [x], outputs: { total: reduceSum(carried[0]!) } });
      const nodes = model.graph.nodes.map((n) => (n.opType === "Loop" ? { ...n, name: "repeat/Loop" } : n));
      writeFileSync(
        path.join(folder, "loop.onnx"),
        writeOnnx({ ...model, graph: { ...model.graph, nodes } }),
      );
    },
  ],
  [
    "a whole number",
    ["grad", "ints.onnx", "--of", "total", "--wrt", "i", "--out", "grad.onnx"],
    1,
    '"i" is int32 [2]; whole numbers have no derivative, so name a floating-point value\n',
    () => {
      const [x, i] = [input("x", "float32", [2]), input("i", "int32", [2])];
      const model = buildModel({ name: "m", inputs: [x, i], outputs: { total: reduceSum(x) } });
      writeFileSync(path.join(folder, "ints.onnx"), writeOnnx(model));
    },
  ],
])("%s", (_, args, status, message, prepare) => {
  test("is refused in one line, and nothing is written", async () => {
    prepare?.();
    const before = readdirSync(folder).sort();
    const model = readFileSync(path.join(folder, "exported.onnx"));
    const result = await run(...args);
    if (typeof message === "string") expect(result.stderr).toBe(message);
    else expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(readFileSync(path.join(folder, "exported.onnx")).equals(model)).toBe(true);
  });
});
