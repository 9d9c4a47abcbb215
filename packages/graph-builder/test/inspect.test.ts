/** `graph-builder inspect`: numbers that were counted by other means, and lines that fit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { estimateFlops } from "../src/analysis/flops.js";
import { inspectModel } from "../src/analysis/inspection.js";
import { table } from "../src/commands/table.js";
import {
  buildModel,
  conv,
  convTranspose,
  einsum,
  gemm,
  input,
  loop,
  type Model,
  matmul,
  maxPool,
  mul,
  readOnnx,
  reduceSum,
  relu,
  reshape,
  scalar,
  type Tensor,
} from "../src/index.js";
import { command } from "./command.js";
import { FLOAT, file, op, value } from "./foreign-file.js";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const UNET = here("../../../models/unet-cond/inference_model.onnx");
const TORCH = here("fixtures/pytorch/exported.onnx");

const run = (...args: string[]) => command(process.cwd(), "inspect", ...args);

/** The multiply-adds of the U-Net's convolutions by its definition, twice: kernel 4, down to 2x2 and back. */
const UNET_CONVOLUTIONS =
  2 *
    // Down: output pixels x channels out x channels in x 16.
    (256 * 72 * 3 * 16 + 64 * 96 * 72 * 16 + 16 * 128 * 96 * 16 + 4 * 196 * 128 * 16) +
  // Bottleneck: 3x3, one pixel of padding.
  2 * (4 * 256 * 196 * 9) +
  // Up: input pixels x channels in x channels out x 16; skips and the ten class planes are joined before.
  2 *
    (4 * (256 + 196 + 10) * 256 * 16 +
      16 * (256 + 128 + 10) * 196 * 16 +
      64 * (196 + 96) * 128 * 16 +
      256 * (128 + 72) * 96 * 16) +
  // Out: 1x1 over 96 channels and the image, with a bias.
  1024 * 3 * (2 * 99 + 1);

test("counts the operations of the practical's U-Net", async () => {
  const json = JSON.parse((await run(UNET, "--json")).stdout) as {
    operators: { name: string; count: number; flops?: number }[];
    flops: number;
    parameters: { elements: number };
    sizes: Record<string, number>;
  };
  const convolutions = json.operators.filter(({ name }) => name.startsWith("Conv"));
  expect(convolutions.reduce((sum, { flops }) => sum + flops!, 0)).toBe(UNET_CONVOLUTIONS);
  expect(json.sizes).toEqual({ batch: 1 });
  // 5,199,436 trained ones (counted in the test of emit) and the running statistics of 1168 channels.
  expect(json.parameters.elements).toBe(5_199_436 + 2 * 1168);
  const sixteen = JSON.parse((await run(UNET, "--json", "--bind", "batch=16")).stdout) as typeof json;
  expect(sixteen.flops / json.flops).toBeCloseTo(16, 6);
});

test("prints a page", async () => {
  const { status, stdout, stderr } = await run(TORCH);
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n");
  expect(lines[1]).toBe("13.7 kB · operator set 20 · IR 10 · by pytorch 2.15.0+cu132");
  const at = lines.indexOf("inputs");
  expect(lines.slice(at, at + 8)).toEqual([
    "inputs",
    "  image   float32  [batch, 2, 6, 6]",
    "  target  float32  [batch, 3]",
    "",
    "outputs",
    "  loss  float32  []",
    "  y     float32  [batch, 3]",
    "",
  ]);
  expect(lines[at + 8]).toBe("operators: 17 nodes");
  // 4 channels x 3x3 pixels x (2 x 3x3 multiply-adds of 2, and a bias)
  expect(lines[at + 9]).toMatch(/^ {2}Conv {8}1 {2}1\.33 kFLOP {2}\d+\.\d %$/);
  expect(stdout).toContain(
    "parameters: 95, 380 B\n  scale    4   16 B   4.2 %\n  conv    76  304 B  80.0 %\n",
  );
  expect(lines.every((line) => line.length <= 100 && line === line.trimEnd())).toBe(true);
});

test("inspects files with operators that the builder has not, and says what it cannot know", () => {
  const model = readOnnx(readFileSync(TORCH));
  const nodes = model.graph.nodes.map((n) =>
    n.opType === "Conv" ? { ...n, opType: "NonMaxSuppression" } : n,
  );
  const inspection = inspectModel({ ...model, graph: { ...model.graph, nodes } });
  expect(inspection.operators).toContainEqual({ name: "NonMaxSuppression", count: 1 });
  expect(inspection.parameters.elements).toBe(95);
  expect(inspection.flops).toBeUndefined();
  expect(inspection.problem).toMatch(
    /^operators that are not supported: NonMaxSuppression \(node "node_conv2d"\)/,
  );
});

describe("a page of a file that is unusual", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "inspect-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, ...parts: Parameters<typeof file>): string => {
    const at = path.join(folder, name);
    writeFileSync(at, file(...parts));
    return at;
  };

  test("with operators of another domain, very many inputs and long texts", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `in${i}`);
    const model = write(
      "many.onnx",
      { input: names.map((name) => value(name)), node: [op("Swish2", ["in0"], ["y"], { domain: "else" })] },
      {
        irVersion: null,
        opsetImport: [{ version: 21 }, { domain: "else", version: 3 }],
        metadataProps: [{ key: "about", value: "words ".repeat(50) }],
      },
    );
    const { status, stdout } = await run(model);
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[1]).toMatch(/^[\d.]+ k?B · operator set 21 · operator set else 3 · IR 0$/);
    expect(lines[2]).toHaveLength(100);
    expect(lines[2]).toMatch(/^about: words .*…$/);
    const first = lines.indexOf("inputs") + 1;
    expect(lines[first]).toBe("  in0              float32  [2, 3]");
    expect(lines[first + 15]).toBe("  … 5 more inputs");
    expect(lines).toContain("operators: 1 node");
    expect(lines).toContain("  else.Swish2  1");
    expect(lines.some((line) => line.startsWith("parameters") || line.startsWith("constants"))).toBe(false);
    expect(stdout).toMatch(/^operations, memory: not known: operators that are not supported: else\.Swish2/m);
    const json = JSON.parse((await run(model, "--json")).stdout);
    expect(json).toMatchObject({
      irVersion: 0,
      producer: { name: "", version: "" },
      operatorSets: { "ai.onnx": 21, else: 3 },
      externalFiles: [],
    });
    expect(json.inputs).toHaveLength(20);
  });

  test("without a size that has a name, and one group of parameters", async () => {
    const weights = ["fc.weight", "fc.bias"].map((name) => ({
      name,
      dims: [2, 3],
      dataType: FLOAT,
      floatData: [1, 2, 3, 4, 5, 6],
    }));
    const model = write("known.onnx", {
      initializer: weights,
      node: [op("Mul", ["x", "fc.weight"], ["m"]), op("Add", ["m", "fc.bias"], ["y"])],
    });
    const { stdout } = await run(model);
    expect(stdout).toContain("parameters: 12, 48 B\n  fc  12  48 B  100.0 %\n");
    // A product and a sum for each of 2 x 3 elements.
    expect(stdout).toMatch(/^operations: 12 FLOP a run$/m);
    const { status, stderr } = await run(model, "--bind", "n=1");
    expect([status, stderr]).toEqual([
      1,
      'the model has no size of the name "n"; all its sizes are numbers\n',
    ]);
  });

  test("with weights in two files, of which it says how much lies there", async () => {
    const weight = (name: string, location: string) => ({
      name,
      dims: [2, 3],
      dataType: FLOAT,
      dataLocation: 1,
      externalData: [{ key: "location", value: location }],
    });
    const model = write("apart.onnx", {
      initializer: [weight("a", "one.bin"), weight("b", "two.bin"), weight("c", "one.bin")],
      node: [op("Sum", ["x", "a", "b", "c"], ["y"])],
    });
    const { stdout } = await run(model);
    expect(stdout.split("\n")[1]).toContain(" · 48 B in one.bin · 24 B in two.bin · ");
  });

  test("of a graph that computes nothing", async () => {
    const { stdout } = await run(write("nothing.onnx", { node: [], output: [value("x")] }));
    expect(stdout).toContain("operators: 0 nodes\n");
    expect(stdout).toMatch(/^operations: 0 FLOP a run$/m);
  });
});

describe("operations", () => {
  const x = input("x", "float32", ["n", 6, 5, 5]);
  const m = input("m", "float32", [3, 4]);
  const cost = (y: Tensor, inputs: Tensor[], sizes = {}) =>
    estimateFlops(buildModel({ name: "m", inputs, outputs: { y } }), { sizes }).total;

  test("of convolutions with groups, strides and biases", () => {
    const w = input("w", "float32", [4, 3, 3, 3]);
    const b = input("b", "float32", [4]);
    const y = conv(x, w, { group: 2, strides: [2, 2], pads: [1, 1, 1, 1], bias: b });
    // n x 4 channels x 3x3 pixels, each 3 channels x 3x3 multiply-adds and one sum.
    expect(cost(y, [x, w, b], { n: 7 })).toBe(7 * 4 * 9 * (2 * 27 + 1));
    const back = input("back", "float32", [6, 2, 3, 3]);
    // Each of n x 6 x 5x5 elements goes into 2 channels x 3x3.
    expect(cost(convTranspose(x, back), [x, back], { n: 7 })).toBe(7 * 6 * 25 * 2 * 18);
  });

  test("of products", () => {
    const k = input("k", "float32", [4, 5]);
    const c = input("c", "float32", [5]);
    expect(cost(matmul(m, k), [m, k])).toBe(2 * 3 * 4 * 5);
    expect(cost(gemm(m, k, { c }), [m, k, c])).toBe(3 * 5 * (2 * 4 + 1));
    expect(cost(gemm(k, m, { transA: 1, transB: 1 }), [k, m])).toBe(2 * 5 * 4 * 3);
    expect(cost(einsum("ij,jk->ki", m, k), [m, k])).toBe(2 * 3 * 4 * 5);
  });

  test("of pools", () => {
    const pooled = maxPool(x, { kernel_shape: [3, 2], strides: [1, 2] });
    // n x 6 channels x 3x2 windows of six elements.
    expect(cost(pooled, [x], { n: 7 })).toBe(7 * 6 * 6 * 6);
  });

  test("of elements, sums and what only moves", () => {
    expect(cost(mul(m, 2), [m])).toBe(12);
    expect(cost(reduceSum(m, { axes: [0] }), [m])).toBe(12);
    expect(cost(reshape(m, [12]), [m])).toBe(0);
  });

  test("of loops as often as they run, nested too", () => {
    const steps = input("steps", "int64", []);
    const { carried } = loop({ trips: steps, carried: [m] }, (_, [y]) => ({
      carried: loop({ trips: scalar(3, "int64"), carried: [y!] }, (_, [z]) => ({ carried: [mul(z!, 2)] }))
        .carried,
    }));
    expect(cost(carried[0]!, [m, steps], { trips: 5 })).toBe(5 * 3 * 12);
  });

  test("of nodes that are read as others", () => {
    const nodes = [
      { name: "d", opType: "Dropout", inputs: ["x"], outputs: ["d"], attributes: {} },
      { name: "f", opType: "Flatten", inputs: ["d"], outputs: ["f"], attributes: {} },
      { name: "r", opType: "Relu", inputs: ["f"], outputs: ["y"], attributes: {} },
    ];
    const built = buildModel({ name: "m", inputs: [m], outputs: { y: relu(m) } });
    const graph = { ...built.graph, inputs: [{ ...built.graph.inputs[0]!, name: "x" }], nodes };
    expect(estimateFlops({ ...built, graph } as Model).total).toBe(12);
  });
});

describe("a table", () => {
  const rows = [
    ["a-very-long-name.with.parts", "1", "x"],
    ["b", "1,000", "yy"],
  ];
  test("is aligned", () => {
    expect(table(rows, [{}, { right: true }, {}], 80)).toEqual([
      "a-very-long-name.with.parts      1  x",
      "b                            1,000  yy",
    ]);
  });
  test("is cut where it may be, in the middle of a name", () => {
    const lines = table(rows, [{ flexible: true }, { right: true }, {}], 24);
    expect(lines).toEqual(["a-very….parts      1  x", "b              1,000  yy"]);
  });
  test("is not cut to nothing, and has rows of their own length", () => {
    const lines = table([["a-very-long-name", "1"], ["rest"]], [{ flexible: true }, {}], 4);
    expect(lines).toEqual(["a-ve…ame  1", "rest"]);
  });
});

describe.each<[string[], number, string | RegExp]>([
  [[], 2, /^graph-builder: inspect: which file\? such as graph-builder inspect model\.onnx; see /],
  [["nowhere.onnx"], 1, "cannot read model nowhere.onnx: no such file or folder; check the path\n"],
  [[UNET, "--bind", "batch"], 2, "--bind batch: expected NAME=SIZE with a whole number, such as batch=16\n"],
  [
    [UNET, "--bind", "batch=-1"],
    2,
    "--bind batch=-1: expected NAME=SIZE with a whole number, such as batch=16\n",
  ],
  [["/dev/null"], 1, "model /dev/null is no file; name the .onnx file\n"],
  [[UNET, "--bind", "b=1"], 1, 'the model has no size of the name "b"; its named sizes are batch\n'],
  [
    [here("grad.test.ts")],
    1,
    /^model \S+: not an ONNX model: the file is damaged or of another kind \(.*\); export it again\n$/,
  ],
])("inspect %s", (args, status, message) => {
  test("is refused in one line", async () => {
    const result = await run(...args);
    if (typeof message === "string") expect(result.stderr).toBe(message);
    else expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status, stdout: "" });
  });
});
