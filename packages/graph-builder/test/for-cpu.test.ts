/** The form for CPUs computes what the network does, and takes what it does not know as it is. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  add,
  buildModel,
  Collector,
  concat,
  constant,
  conv,
  convTranspose,
  forCpu,
  input,
  loop,
  type Model,
  mul,
  native,
  reduceMean,
  relu,
  scalar,
  type Tensor,
  unetCond,
  unetTime,
  writeOnnx,
} from "../src/index.js";
import { randoms } from "./run.js";

const random = randoms(2);
const weights = (shape: readonly number[], low = -0.5): Tensor =>
  constant(
    "float32",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() + low),
  );

async function run(model: Model, feeds: Record<string, OrtTensor>): Promise<Float32Array> {
  const session = await InferenceSession.create(writeOnnx(model), { logSeverityLevel: 3 });
  const { y } = await session.run(feeds);
  await session.release();
  return y!.data as Float32Array;
}

const noise = (shape: readonly number[]): OrtTensor =>
  new OrtTensor(
    "float32",
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
    shape,
  );

const operators = ({ graph }: Model): Set<string> => new Set(graph.nodes.map(({ opType }) => opType));

/** Rounding of sums of some hundred products; seen are up to 1e-6 of the largest value. */
const TOLERANCE = 3e-6;

function expectClose(ours: Float32Array, theirs: Float32Array): void {
  const largest = theirs.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const difference = theirs.reduce((a, b, i) => Math.max(a, Math.abs(b - ours[i]!)), 0);
  expect(ours.length).toBe(theirs.length);
  expect(difference / largest).toBeLessThan(TOLERANCE);
}

test.each([
  ["unet-cond", unetCond],
  ["unet-time", unetTime],
])("%s with trained statistics: no transposed convolution, no batch norm is left", async (_, author) => {
  // wide enough that both kinds of products are there
  const network = author({ channels: [32, 32, 8, 8], bottleneck: 8, up: [8, 8, 32, 32] });
  const collector = new Collector({
    training: false,
    lowering: native,
    // variances are above 0
    provide: ({ name, shape }) => weights(shape as number[], name.endsWith("running_var") ? 0.5 : -0.5),
  });
  const sample = input("sample", "float32", ["batch", 3, 32, 32]);
  const classLabels = input("class_labels", "int32", ["batch"]);
  const timestep = input("timestep", "int32", ["batch"]);
  const y = network.forward(collector.root, { sample, classLabels, timestep });
  const inputs = [sample, classLabels, ...(network.timestep ? [timestep] : [])];
  const model = buildModel({ name: "unet", inputs, outputs: { y } });
  const fast = forCpu(model);
  expect(operators(model)).toContain("ConvTranspose");
  expect(operators(model)).toContain("BatchNormalization");
  expect(operators(fast)).not.toContain("ConvTranspose");
  expect(operators(fast)).not.toContain("BatchNormalization");
  expect(operators(fast)).toContain("Gemm");
  expect(operators(fast)).toContain("MatMul");
  expect(fast.graph.inputs).toEqual(model.graph.inputs);
  for (const batch of [1, 3]) {
    const feeds = {
      sample: noise([batch, 3, 32, 32]),
      class_labels: new OrtTensor("int32", new Int32Array(batch).fill(7), [batch]),
      ...(network.timestep
        ? { timestep: new OrtTensor("int32", new Int32Array(batch).fill(9), [batch]) }
        : {}),
    };
    expectClose(await run(fast, feeds), await run(model, feeds));
  }
});

const x = input("x", "float32", [2, 4, 5, 6]);
const transposed = (options: object, shape = [4, 3, 4, 4]) => convTranspose(x, weights(shape), options);

test.each<[string, () => Tensor, boolean]>([
  ["of kernel 4, stride 2, pad 1", () => transposed({ strides: [2, 2], pads: [1, 1, 1, 1] }), false],
  ["of kernel 2, stride 2", () => transposed({ strides: [2, 2] }, [4, 3, 2, 2]), false],
  ["of different strides", () => transposed({ strides: [2, 1] }), true],
  ["of different pads", () => transposed({ pads: [1, 0, 1, 1] }), true],
  ["with dilations", () => transposed({ dilations: [2, 2] }), true],
  ["with groups", () => transposed({ group: 2 }), true],
  ["with more at the end", () => transposed({ strides: [2, 2], output_padding: [1, 1] }), true],
])("a transposed convolution %s", async (_, build, stays) => {
  const model = buildModel({ name: "one", inputs: [x], outputs: { y: build() } });
  const fast = forCpu(model);
  expect(operators(fast).has("ConvTranspose")).toBe(stays);
  const feeds = { x: noise([2, 4, 5, 6]) };
  expectClose(await run(fast, feeds), await run(model, feeds));
});

test.each([
  [
    "after a transposed one is a product",
    () => convTranspose(x, weights([4, 3, 4, 4]), { strides: [2, 2] }),
    false,
  ],
  ["of the graph's input stays", () => x, true],
])("a convolution of single pixels %s", async (_, build, stays) => {
  const image = build();
  const y = conv(image, weights([2, image.shape[1] as number, 1, 1]));
  const model = buildModel({ name: "pixels", inputs: [x], outputs: { y } });
  const fast = forCpu(model);
  expect(operators(fast).has("Conv")).toBe(stays);
  const feeds = { x: noise([2, 4, 5, 6]) };
  expectClose(await run(fast, feeds), await run(model, feeds));
});

const wide = input("x", "float32", ["batch", 32, 8, 8]);
const inBlocks = () => convTranspose(wide, weights([32, 32, 4, 4]), { strides: [2, 2], pads: [1, 1, 1, 1] });
const side = input("side", "float32", ["batch", 2, 16, 16]);
const many = input("many", "float32", ["batch", 32, 16, 16]);
const one = input("one", "float32", ["batch", 32, 1, 1]);
const pixelwise = (image: Tensor, filters: number) =>
  conv(image, weights([filters, image.shape[1] as number, 1, 1]), { bias: weights([filters]) });

/** The channels that Transposes of eight axes move: those that put pixels from blocks into rows, or back. */
async function channelsMoved(model: Model, feeds: Record<string, OrtTensor>): Promise<number[]> {
  const { nodes } = model.graph;
  const moves = nodes.filter(({ attributes }) => (attributes.perm?.value as number[])?.length === 8);
  const outputs = moves.map(({ outputs: [name] }) => ({
    name: name!,
    dtype: "float32" as const,
    shape: Array.from({ length: 8 }, (_, i) => `${name}.${i}`),
  }));
  const bytes = writeOnnx({ ...model, graph: { ...model.graph, outputs } });
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run(feeds);
  await session.release();
  return outputs.map(({ name }) => results[name]!.dims[7]!).sort((m, n) => m - n);
}

test.each<[string, () => Tensor, number[]]>([
  ["an activation and a product for each pixel", () => pixelwise(relu(inBlocks()), 3), [3]],
  ["a few channels beside", () => pixelwise(concat([relu(inBlocks()), side], 1), 3), [2, 3]],
  ["as many channels beside: in rows", () => pixelwise(concat([relu(inBlocks()), many], 1), 3), [32]],
  ["a scale for each channel", () => pixelwise(mul(add(inBlocks(), 1), one), 3), [3]],
  ["another image added: in rows", () => add(inBlocks(), many), [32]],
  ["two that lie alike, but of different nodes: in rows", () => add(inBlocks(), inBlocks()), [32, 32]],
  ["a sum over pixels: in rows", () => reduceMean(inBlocks(), { axes: [2, 3] }), [32]],
])("pixels stay in blocks as long as they may: %s", async (_, build, channels) => {
  const model = buildModel({ name: "blocks", inputs: [wide, side, many, one], outputs: { y: build() } });
  const fast = forCpu(model);
  const feeds = {
    ...{ x: noise([3, 32, 8, 8]), side: noise([3, 2, 16, 16]) },
    ...{ many: noise([3, 32, 16, 16]), one: noise([3, 32, 1, 1]) },
  };
  expectClose(await run(fast, feeds), await run(model, feeds));
  expect(await channelsMoved(fast, feeds)).toEqual(channels);
});

test("a graph with a loop is left as it is", () => {
  const result = loop({ trips: scalar(3, "int64"), steps: "steps", carried: [x] }, (_, [value]) => ({
    carried: [mul(value!, 2)],
  }));
  const model = buildModel({ name: "loop", inputs: [x], outputs: { y: result.carried[0]! } });
  expect(forCpu(model)).toBe(model);
});
