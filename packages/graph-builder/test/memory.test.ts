/** Peak memory of small graphs against sums made by hand, and the order of nodes against ONNX Runtime's own. */
import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { describe, expect, test } from "vitest";
import {
  add,
  buildModel,
  concat,
  conv,
  cpu,
  describeTraining,
  estimateMemory,
  exp,
  GRAPHS,
  GraphError,
  input,
  type Lowering,
  loop,
  type Model,
  type ModelNode,
  matmul,
  mul,
  native,
  onnxRuntimeOrder,
  reduceSum,
  relu,
  reshape,
  scalar,
  sub,
  type Tensor,
  transpose,
  unet,
} from "../src/index.js";
import { ranNodes } from "./profile.js";

const x = input("x", "float32", ["n", 4]);
const w = input("w", "float32", [4, 8]);
const modelOf = (outputs: Record<string, Tensor>, inputs: readonly Tensor[] = [x, w]) =>
  buildModel({ name: "m", inputs, outputs });
/** A computation that cannot write over its operand: [n, 4] -> [n, 4], 16 n bytes. */
const turn = (t: Tensor) => concat([t, t], 1);

describe("the peak", () => {
  test("counts inputs and initializers apart", () => {
    const model = modelOf({ y: add(matmul(x, w), scalar(1)) });
    expect(estimateMemory(model, { sizes: { n: 2 } })).toEqual({
      inputs: 2 * 16 + 128,
      initializers: 4,
      // The sum is written over the product [2, 8].
      peak: 64,
      at: "MatMul",
      live: [{ name: "MatMul:0", bytes: 64 }],
    });
  });

  test("is where a value and what is made from it are both in memory", () => {
    // [1,4] -> [1,8] (32) -> [1,16] (64) -> [1,32] (128): the second lives on to be added up with nothing.
    const a = turn(x);
    const b = turn(a);
    const c = turn(b);
    expect(estimateMemory(modelOf({ c }, [x]), { sizes: { n: 1 } })).toMatchObject({
      peak: 64 + 128,
      live: [
        { name: "c", bytes: 128 },
        { name: "Concat_2:0", bytes: 64 },
      ],
    });
    // With `a` as an output as well it stays.
    expect(estimateMemory(modelOf({ a, c }, [x]), { sizes: { n: 1 } }).peak).toBe(32 + 64 + 128);
  });

  test("does not count what is written over an operand nobody reads later", () => {
    const a = matmul(x, w);
    expect(estimateMemory(modelOf({ y: relu(exp(a)) }), { sizes: { n: 1 } }).peak).toBe(32);
    // The product is read again, so exp needs its own.
    expect(estimateMemory(modelOf({ y: mul(exp(a), a) }), { sizes: { n: 1 } }).peak).toBe(64);
    // Never over an input of the graph.
    expect(estimateMemory(modelOf({ y: exp(x) }, [x]), { sizes: { n: 1 } }).peak).toBe(16);
    // Nor where the sizes differ: [1, 4] spread to [3, 4].
    const three = input("three", "float32", [3, 4]);
    const one = input("one", "float32", [1, 4]);
    expect(estimateMemory(modelOf({ y: add(exp(one), three) }, [one, three])).peak).toBe(16 + 48);
  });

  test("knows that another shape is the same memory", () => {
    const a = matmul(x, w);
    const flat = reshape(a, ["8*n"]);
    // `flat` keeps the product in memory though only its other name is read.
    const y = concat([flat, flat], 0);
    expect(estimateMemory(modelOf({ y }), { sizes: { n: 1 } }).peak).toBe(32 + 64);
    expect(
      estimateMemory(modelOf({ y: concat([transpose(a, [1, 0]), reshape(flat, [8, "n"])], 0) }), {
        sizes: { n: 1 },
      }).peak,
    ).toBe(32 + 32 + 64);
    // A view of an input takes nothing.
    const view = reshape(x, ["4*n"]);
    expect(estimateMemory(modelOf({ y: concat([view, view], 0) }, [x]), { sizes: { n: 1 } }).peak).toBe(32);
  });

  test("reads files that others made: constants as nodes, other names for Reshape, any order, initializers as inputs", () => {
    const node = (
      opType: string,
      from: string[],
      to: string,
      attributes: ModelNode["attributes"] = {},
    ): ModelNode => ({
      name: to,
      opType,
      inputs: from,
      outputs: [to],
      attributes,
    });
    const constant = { name: "", dtype: "float32", shape: [2, 8], data: new Float32Array(16) } as const;
    const file: Model = {
      graph: {
        name: "m",
        nodes: [
          node("Concat", ["flat", "flat"], "y", { axis: { type: "int", value: 0 } }),
          node("Flatten", ["turned"], "flat"),
          node("Transpose", ["both"], "turned"),
          node("MatMul", ["x", "k"], "both"),
          node("Constant", [], "k", { value: { type: "tensor", value: constant } }),
        ],
        inputs: [
          { name: "x", dtype: "float32", shape: [4, 2] },
          { name: "spare", dtype: "float32", shape: [3] },
        ],
        outputs: [{ name: "y", dtype: "float32", shape: [16, 4] }],
        initializers: [{ name: "spare", dtype: "float32", shape: [3], data: new Float32Array(3) }],
      },
      opset: 21,
      metadata: {},
    };
    // The product [4, 8] and its transpose; then the transpose under its other name, and twice that.
    const expected = { inputs: 32, initializers: 12 + 64, peak: 128 + 256, at: "y" };
    expect(estimateMemory(file)).toMatchObject(expected);
    expect(estimateMemory(file, { order: onnxRuntimeOrder })).toMatchObject(expected);
  });

  test("of a loop is that of its body, while it runs", () => {
    const heavy = matmul(x, w); // 32, read by the body from outside
    const { carried, collected } = loop(
      { trips: scalar(3, "int64"), steps: "t", carried: [matmul(x, w)] },
      // In the body: the step (8), the condition (1), the carried value (32), its double (64).
      (_, [y]) => ({ carried: [sub(y!, heavy)], collected: [concat([y!, y!], 1)] }),
    );
    const estimate = estimateMemory(modelOf({ y: carried[0]!, all: collected[0]! }), {
      sizes: { n: 1, t: 3 },
    });
    // One product is both `heavy` and the start; outputs of the loop: 32 and 3 * 64.
    expect(estimate).toMatchObject({ at: "Loop", peak: Math.max(32 + 8 + 1 + 32 + 64 + 32, 32 + 32 + 192) });
    expect(estimate.initializers).toBe(8 + 1);
  });

  test("follows the named sizes, also through strides", () => {
    const image = input("image", "float32", [1, 1, "h", "h"]);
    const kernel = input("kernel", "float32", [1, 1, 2, 2]);
    const model = modelOf({ y: conv(image, kernel, { strides: [2, 2] }) }, [image, kernel]);
    expect(estimateMemory(model, { sizes: { h: 9 } }).peak).toBe(4 * 4 * 4);
    expect(() => estimateMemory(model)).toThrow(
      new GraphError(
        'memory: "image" is float32 [1, 1, h, h] and no value is given for h; pass sizes: { "h": … }',
      ),
    );
  });

  test("of nothing is nothing", () => {
    const model = {
      graph: { name: "m", nodes: [], inputs: [], outputs: [], initializers: [] },
      opset: 21,
      metadata: {},
    };
    expect(estimateMemory(model)).toEqual({ inputs: 0, initializers: 0, peak: 0, at: "", live: [] });
  });
});

const small = () =>
  describeTraining(unet({ channels: [4, 4], bottleneck: 4, up: [4, 4] }), linearSchedule(PRACTICAL_SCHEDULE));

describe("onnxRuntimeOrder", () => {
  test.each<[string, Lowering]>([
    ["cpu", cpu],
    ["gpu", native],
  ])("is the order in which ONNX Runtime runs a training graph (%s)", async (_, lowering) => {
    const model = GRAPHS.training_model.build(small(), lowering);
    expect(await ranNodes(model, { batch: 2 }, "disabled")).toEqual(
      onnxRuntimeOrder(model.graph).map((node) => node.name),
    );
  });

  test("changes what is in memory together", () => {
    // The file has `kept` first, and so beside the chain 32 + 64; ONNX Runtime begins with the chain.
    const { graph, ...rest } = modelOf({ kept: turn(exp(x)), last: reduceSum(turn(turn(x))) }, [x]);
    expect(graph.nodes.map((n) => n.opType)).toEqual(["Exp", "Concat", "Concat", "Concat", "ReduceSum"]);
    const options = { sizes: { n: 1 } };
    expect(estimateMemory({ graph, ...rest }, options).peak).toBe(32 + 32 + 64);
    expect(estimateMemory({ graph, ...rest }, { ...options, order: onnxRuntimeOrder }).peak).toBe(32 + 64);
  });

  test("runs what a body reads before the loop", () => {
    const outer = exp(x);
    const { carried } = loop({ trips: scalar(3, "int64"), carried: [x] }, (_, [y]) => ({
      carried: [
        loop({ trips: scalar(2, "int64"), carried: [y!] }, (_, [z]) => ({ carried: [add(z!, outer)] }))
          .carried[0]!,
      ],
    }));
    const { graph } = modelOf({ y: carried[0]! }, [x]);
    const order = onnxRuntimeOrder({ ...graph, nodes: [...graph.nodes].reverse() });
    expect(order.map((n) => n.opType)).toEqual(["Exp", "Loop"]);
  });
});
