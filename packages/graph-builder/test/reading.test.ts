/** Files as other programs write them are read. */
import type { onnx as Proto } from "onnx-proto";
import { describe, expect, test } from "vitest";
import {
  add,
  buildModel,
  exp,
  importModel,
  input,
  loop,
  type Model,
  type ModelNode,
  mul,
  readOnnx,
  reduceSum,
  relu,
  scalar,
  type Tensor,
  writeOnnx,
} from "../src/index.js";
import { AttributeType, FLOAT, INT64, op, read, run, value, X } from "./foreign-file.js";

describe("what is read", () => {
  test("nodes in any order", async () => {
    const imported = read({
      node: [op("Add", ["a", "b"], ["y"]), op("Relu", ["x"], ["a"]), op("Neg", ["a"], ["b"])],
    });
    expect(await run(imported)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("initializers that are inputs too, as IR version 3 has them", async () => {
    const w = { name: "w", dims: [3], dataType: FLOAT, floatData: [1, 10, 100] };
    const imported = read({
      input: [value("x"), value("w", [3])],
      node: [op("Mul", ["x", "w"], ["y"])],
      initializer: [w],
    });
    expect(Object.keys(imported.inputs)).toEqual(["x"]);
    expect(await run(imported)).toEqual([1, -20, 300, -0.5, 2.5, 0]);
  });

  test.each<[string, Proto.IAttributeProto, number[]]>([
    [
      "value",
      {
        type: AttributeType.TENSOR,
        t: { dims: [2, 3], dataType: FLOAT, floatData: [1, 2, 3, 4, 5, 6] },
      },
      [2, 0, 6, 3.5, 5.25, 6],
    ],
    ["value_float", { type: AttributeType.FLOAT, f: 0.5 }, [1.5, -1.5, 3.5, 0, 0.75, 0.5]],
    ["value_floats", { type: AttributeType.FLOATS, floats: [1, 2, 3] }, [2, 0, 6, 0.5, 2.25, 3]],
  ])("Constant nodes with %s", async (name, attribute, expected) => {
    const constant = op("Constant", [], ["c"], { attribute: [{ name, ...attribute }] });
    expect(await run(read({ node: [constant, op("Add", ["x", "c"], ["y"])] }))).toEqual(expected);
  });

  test.each<[string, Proto.IAttributeProto, string]>([
    ["value_int", { type: AttributeType.INT, i: 6 }, "[]"],
    ["value_ints", { type: AttributeType.INTS, ints: [3, 2] }, "[2]"],
  ])("Constant nodes with %s", (name, attribute, shape) => {
    const constant = op("Constant", [], ["c"], { attribute: [{ name, ...attribute }] });
    const { values } = read({ node: [constant, op("Relu", ["x"], ["y"])] });
    expect([values.get("c")!.dtype, `[${values.get("c")!.shape}]`]).toEqual(["int64", shape]);
  });

  test("optional inputs that are left out, at the end and between others", async () => {
    const bound = (name: string, v: number) => ({ name, dims: [], dataType: FLOAT, floatData: [v] });
    const pads = { name: "pads", dims: [2], dataType: INT64, int64Data: [1, 0] };
    const axes = { name: "axes", dims: [1], dataType: INT64, int64Data: [0] };
    const node = [
      op("Pad", ["x", "pads", "", "axes"], ["p"]),
      op("ReduceSum", ["p", "axes"], ["s"], {
        attribute: [{ name: "keepdims", type: AttributeType.INT, i: 0 }],
      }),
      op("Add", ["s", "one"], ["y"]),
    ];
    const imported = read({ node, initializer: [pads, axes, bound("one", 1)], output: [value("y", [3])] });
    expect(await run(imported)).toEqual([1.5, -0.75, 4]);
  });

  test("attributes that are left out, at ONNX's defaults", async () => {
    // Gemm: alpha = beta = 1, nothing transposed. ReduceMean: keepdims = 1, all axes.
    const w = { name: "w", dims: [3, 1], dataType: FLOAT, floatData: [1, 1, 1] };
    const node = [op("Gemm", ["x", "w"], ["g"]), op("ReduceMean", ["g"], ["y"])];
    const imported = read({ node, initializer: [w], output: [value("y", [1, 1])] });
    expect(imported.outputs.y!.shape).toEqual([1, 1]);
    expect(await run(imported)).toEqual([0.875]);
  });

  test("axes as an attribute, as they were before operator set 18", async () => {
    const attribute = [
      { name: "axes", type: AttributeType.INTS, ints: [-1] },
      { name: "keepdims", type: AttributeType.INT, i: 0 },
    ];
    const imported = read(
      { node: [op("ReduceMax", ["x"], ["y"], { attribute })], output: [value("y", [2])] },
      { opsetImport: [{ version: 13 }] },
    );
    expect(await run(imported)).toEqual([3, 0.25]);
  });

  test.each([13, 14, 17, 20, 26])("operator set %i", async (version) => {
    const node = [op("Relu", ["x"], ["a"]), op("Identity", ["a"], ["b"]), op("Add", ["b", "x"], ["y"])];
    const imported = read({ node }, { opsetImport: [{ domain: "ai.onnx", version }] });
    expect(await run(imported)).toEqual([2, -2, 6, -0.5, 0.5, 0]);
  });

  test("values from outside in bodies, two levels deep, defined after the node that has the body", async () => {
    const x = input("x", "float32", [2, 3]);
    const [half, unit] = [mul(x, 0.5), exp(mul(x, 0))];
    const inner = (y: Tensor) =>
      loop({ trips: scalar(2, "int64"), carried: [y] }, (_, [z]) => ({ carried: [add(z!, half)] })).carried;
    const { carried } = loop({ trips: scalar(3, "int64"), carried: [unit] }, (_, [y]) => ({
      carried: [add(inner(y!)[0]!, unit)],
    }));
    const model = buildModel({ name: "m", inputs: [x], outputs: { y: carried[0]! } });
    // Each time round adds 2 * x/2 + 1.
    const expected = X.map((v) => 1 + 3 * (v + 1));
    expect(await run(importModel(readOnnx(writeOnnx(model))))).toEqual(expected);
    const reversed = { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes].reverse() } };
    expect(await run(importModel(readOnnx(writeOnnx(reversed))))).toEqual(expected);
  });

  test("names, metadata and foreign domains are kept by reading and writing", () => {
    const model: Model = {
      graph: {
        name: "g",
        nodes: [
          {
            name: "n",
            domain: "com.example",
            opType: "Thing",
            inputs: ["x", "", "x"],
            outputs: ["y"],
            attributes: {
              words: { type: "strings", value: ["ä", ""] },
              word: { type: "string", value: "b" },
              numbers: { type: "floats", value: [0.5, -1] },
            },
          },
        ],
        inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3] }],
        outputs: [{ name: "y", dtype: "int64", shape: [] }],
        initializers: [],
      },
      opset: 21,
      imports: { "com.example": 2 },
      metadata: { made: "here", __proto__x: "1" },
    };
    expect(readOnnx(writeOnnx(model))).toEqual(model);
  });

  test("axes without size or name get names of their own", () => {
    const unnamed = value("x");
    const { inputs } = read({
      input: [
        { ...unnamed, type: { tensorType: { elemType: FLOAT, shape: { dim: [{}, { dimValue: 3 }] } } } },
      ],
      node: [op("Relu", ["x"], ["y"])],
    });
    expect(inputs.x!.shape).toEqual(["x.0", 3]);
  });

  test("shapes that a file computes from its inputs' shapes", () => {
    const number = (name: string, ...values: number[]) => ({
      name,
      dims: [values.length],
      dataType: INT64,
      int64Data: values,
    });
    const { outputs } = read({
      input: [value("x", ["batch", 2, 3])],
      node: [
        op("Shape", ["x"], ["shape"]),
        op("Gather", ["shape", "first"], ["n"]),
        op("Concat", ["n", "rest"], ["target"], {
          attribute: [{ name: "axis", type: AttributeType.INT, i: 0 }],
        }),
        op("Reshape", ["x", "target"], ["r"]),
        op("Flatten", ["r"], ["y"]),
      ],
      initializer: [number("first", 0), number("rest", 6, 1)],
    });
    expect(outputs.y!.shape).toEqual(["batch", 6]);
  });

  test("a chain of shape arithmetic, long and with operands used twice", () => {
    const x = input("x", "float32", ["n", 3]);
    const nodes: ModelNode[] = [
      { name: "s", opType: "Shape", inputs: ["x"], outputs: ["d0"], attributes: {} },
    ];
    // Asking each operand anew would take 2^20000 steps.
    for (let i = 0; i < 20_000; i++)
      nodes.push({
        name: `${i}`,
        opType: i % 2 ? "Sub" : "Add",
        inputs: [`d${i}`, i % 2 ? `d${i - 1}` : `d${i}`],
        outputs: [`d${i + 1}`],
        attributes: {},
      });
    nodes.push({
      name: "r",
      opType: "Reshape",
      inputs: ["x", "d20000"],
      outputs: ["y"],
      attributes: {},
    });
    const { graph, ...rest } = buildModel({ name: "m", inputs: [x], outputs: { y: relu(x) } });
    const { outputs } = importModel({ ...rest, graph: { ...graph, nodes } });
    expect(outputs.y!.shape).toEqual(["n", 3]);
  });
});

test("what is read can be differentiated", async () => {
  const { inputs, outputs } = read({ node: [op("Mul", ["x", "x"], ["y"])] });
  const { gradients } = await import("../src/index.js");
  const [dx] = gradients(reduceSum(outputs.y!), [inputs.x!]);
  expect(await run({ inputs, outputs: { y: dx! }, values: new Map(), nodes: new Map() })).toEqual(
    X.map((v) => 2 * v),
  );
});
