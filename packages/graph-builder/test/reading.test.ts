/** Files as other programs write them: what is read, and what is refused in one sentence. */
import onnxProto, { type onnx as Proto } from "onnx-proto";
import { describe, expect, test } from "vitest";
import {
  add,
  buildModel,
  exp,
  importModel,
  input,
  loadExternalData,
  loop,
  type Model,
  type ModelAttribute,
  type ModelNode,
  mul,
  readOnnx,
  reduceSum,
  relu,
  scalar,
  type Tensor,
  writeOnnx,
} from "../src/index.js";
import { evaluate, floats } from "./run.js";

const { ModelProto, AttributeProto, TensorProto } = onnxProto.onnx;
const { FLOAT, INT64 } = TensorProto.DataType;
const { AttributeType } = AttributeProto;

const value = (name: string, dims: (number | string)[] = [2, 3], elemType: number = FLOAT) => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

/** The bytes of a model as another writer makes them: x [2,3] -> y, unless the graph says otherwise. */
function file(graph: Proto.IGraphProto, model: Proto.IModelProto = {}): Uint8Array {
  return ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ version: 21 }],
    graph: { input: [value("x")], output: [value("y")], ...graph },
    ...model,
  }).finish();
}

const op = (opType: string, inputs: string[], outputs: string[], more: Proto.INodeProto = {}) => ({
  opType,
  name: `make_${outputs[0]}`,
  input: inputs,
  output: outputs,
  ...more,
});

const read = (graph: Proto.IGraphProto, model: Proto.IModelProto = {}) =>
  importModel(readOnnx(file(graph, model)));

const X = [1, -2, 3, -0.5, 0.25, 0];

/** Runs what was read, with x = X. */
async function run({ inputs, outputs }: ReturnType<typeof importModel>): Promise<number[]> {
  const results = await evaluate([[inputs.x!, floats([2, 3], X)]], { y: outputs.y! });
  return Array.from(results.y!.data as Float32Array);
}

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

const relus = { node: [op("Relu", ["x"], ["y"])] };
const tensor = (more: Proto.ITensorProto): Proto.IGraphProto => ({
  ...relus,
  initializer: [{ name: "w", dims: [2], dataType: FLOAT, ...more }],
});
const external = (entries: Record<string, string>): Proto.IGraphProto =>
  tensor({
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, v]) => ({ key, value: v })),
  });

describe.each<[string, () => unknown, string | RegExp]>([
  [
    "operators that are unknown, all of them with their nodes",
    () =>
      read({
        node: [
          op("NonMaxSuppression", ["x"], ["a"]),
          op("NonMaxSuppression", ["a"], ["b"]),
          op("Relu", ["b"], ["c"]),
          op("Gelu", ["c"], ["y"], { domain: "com.microsoft" }),
        ],
      }),
    /^operators that are not supported: NonMaxSuppression \(node "make_a", node "make_b"\), com.microsoft.Gelu \(node "make_y"\); write the model with supported ones \(docs\/OPERATORS.md\)$/,
  ],
  [
    "a circle, with the values on it",
    () => read({ node: [op("Add", ["x", "b"], ["a"]), op("Neg", ["a"], ["b"]), op("Relu", ["b"], ["y"])] }),
    'the graph is a circle: "b" <- "a" <- "b"; a value cannot depend on itself, so the file was put together wrongly',
  ],
  [
    "a node that takes its own output",
    () => read({ node: [op("Add", ["x", "y"], ["y"])] }),
    'the graph is a circle: "y" <- "y"; a value cannot depend on itself, so the file was put together wrongly',
  ],
  [
    "a value that two nodes make",
    () => read({ node: [op("Relu", ["x"], ["y"]), op("Neg", ["x"], ["y"], { name: "other" })] }),
    'the value "y" is defined twice, the second time by node "other"; names must differ',
  ],
  [
    "a node that makes an input",
    () => read({ node: [op("Relu", ["x"], ["y"]), op("Neg", ["y"], ["x"])] }),
    'the value "x" is defined twice, the second time by node "make_x"; names must differ',
  ],
  [
    "two inputs of one name",
    () => read({ ...relus, input: [value("x"), value("x")] }),
    'the value "x" is defined twice, the second time by an input; names must differ',
  ],
  [
    "two outputs of one name",
    () => read({ ...relus, output: [value("y"), value("y")] }),
    "the model has two outputs of the same name",
  ],
  [
    "a value that nothing makes",
    () => read({ node: [op("Add", ["x", "hidden"], ["y"])] }),
    'node "make_y": the value "hidden" is neither an input nor an initializer nor the output of a node; the file is cut off or was put together wrongly',
  ],
  [
    "an output that nothing makes",
    () => read({ node: [] }),
    'output "y": the value "y" is neither an input nor an initializer nor the output of a node; the file is cut off or was put together wrongly',
  ],
  [
    "an output of another type than declared",
    () => read({ ...relus, output: [value("y", [2, 3], INT64)] }),
    'output "y": declared as int64, but its value is float32; the file is damaged',
  ],
  [
    "an operand that is missing",
    () => read({ node: [op("Relu", [], ["y"])] }),
    'Relu "make_y": input 0 is missing; the operator needs it',
  ],
  [
    "no operands where any number may be",
    () => read({ node: [op("Concat", [], ["y"])] }),
    'node "make_y": Concat is not defined for no inputs and its attributes',
  ],
  [
    "an output that the builder's form of an operator has not",
    () => read({ node: [op("Relu", ["x"], ["y", "z"])] }),
    'node "make_y": Relu is used with 2 outputs, of which the builder has 1; "z" cannot be computed',
  ],
  [
    "an attribute that is unknown",
    () =>
      read({
        node: [
          op("Relu", ["x"], ["y"], { attribute: [{ name: "constructor", type: AttributeType.INT, i: 1 }] }),
        ],
      }),
    'node "make_y": Relu with the attribute "constructor" (int) is not supported',
  ],
  [
    "an attribute of another type",
    () =>
      read({
        node: [
          op("Concat", ["x"], ["y"], { attribute: [{ name: "axis", type: AttributeType.FLOAT, f: 1 }] }),
        ],
      }),
    'node "make_y": Concat with the attribute "axis" (float) is not supported, expected int',
  ],
  [
    "an attribute that is there twice",
    () => {
      const axis = { name: "axis", type: AttributeType.INT, i: 1 };
      return read({ node: [op("Concat", ["x"], ["y"], { attribute: [axis, axis] })] });
    },
    'node "make_y" (Concat): attribute "axis" is there twice',
  ],
  [
    "a newer operator set",
    () => read(relus, { opsetImport: [{ version: 99 }] }),
    "the model is of operator set 99, expected one up to 28, best 13 or newer; convert it with onnx.version_converter.convert_version(model, 21)",
  ],
  [
    "an operator that had another form in an older operator set",
    () => read({ node: [op("ReduceSum", ["x"], ["y"])] }, { opsetImport: [{ version: 11 }] }),
    'node "make_y": the model is of operator set 11, where ReduceSum may mean something else than in 13, which is read here; convert it with onnx.version_converter.convert_version(model, 21)',
  ],
  [
    "an operator whose scale was of another size",
    () =>
      read({ node: [op("GroupNormalization", ["x", "x", "x"], ["y"])] }, { opsetImport: [{ version: 20 }] }),
    'node "make_y": the model is of operator set 20, where GroupNormalization may mean something else than in 21, which is read here; convert it with onnx.version_converter.convert_version(model, 21)',
  ],
  [
    "a file without an operator set",
    () => read(relus, { opsetImport: [] }),
    "the model does not say which operator set it uses (opset_import); the file is cut off, or older than ONNX 1.2: export it again",
  ],
  [
    "a file without a graph",
    () => readOnnx(ModelProto.encode({ irVersion: 8 }).finish()),
    "not an ONNX model: it holds no graph; check the file",
  ],
  [
    "a call of a function of the file's own",
    () =>
      read(
        { node: [op("Twice", ["x"], ["y"], { domain: "local" })] },
        { functions: [{ name: "Twice", domain: "local", input: ["a"], output: ["b"] }] },
      ),
    'node "make_y" (Twice): it calls a function of the file\'s own, which is not supported; put its nodes in place with onnx.inliner.inline_local_functions',
  ],
  [
    "an input of strings",
    () => read({ ...relus, input: [value("x", [2], 8)] }),
    'input "x": element type string is not supported',
  ],
  [
    "an initializer of an element type that does not exist",
    () => read(tensor({ dataType: 77 })),
    'initializer "w": element type number 77 is not supported',
  ],
  [
    "a sequence",
    () => read({ ...relus, input: [{ name: "x", type: { sequenceType: {} } }] }),
    /^input "x" is not said to be a tensor; sequences, maps and optionals are not supported/,
  ],
  [
    "an input of unknown rank",
    () => read({ ...relus, input: [{ name: "x", type: { tensorType: { elemType: FLOAT } } }] }),
    /^input "x": the number of its axes is not given; declare its shape/,
  ],
  [
    "a negative size",
    () => read({ ...relus, input: [value("x", [-1, 3])] }),
    'input "x": an axis has the size -1; expected 0 or more, or a name',
  ],
  [
    "a sparse initializer",
    () => read({ ...relus, sparseInitializer: [{ values: { name: "w" } }] }),
    'initializer "w" is sparse, which is not supported; store it as a dense tensor',
  ],
  [
    "bytes that do not fill the shape",
    () => read(tensor({ rawData: new Uint8Array(7) })),
    'initializer "w": 7 bytes for float32 [2], expected 8; the file is damaged',
  ],
  [
    "billions of elements in few bytes",
    () => read(tensor({ dims: [1 << 20, 1 << 20], floatData: [1, 2, 3] })),
    'initializer "w": 3 values for float32 [1048576, 1048576], expected 1099511627776; the file is damaged',
  ],
  [
    "more elements than numbers can count",
    () => read(tensor({ dims: [2 ** 40, 2 ** 40] })),
    'initializer "w": no tensor has the shape [1099511627776, 1099511627776]; the file is damaged',
  ],
  [
    "a negative size of an initializer",
    () => read(tensor({ dims: [-2, -1], floatData: [1, 2] })),
    'initializer "w": no tensor has the shape [-2, -1]; the file is damaged',
  ],
  [
    "a thousand axes",
    () => read(tensor({ dims: Array<number>(1000).fill(1), floatData: [1] })),
    'initializer "w": no tensor has the shape [1, 1, 1, 1, 1, 1, 1, 1, …]; the file is damaged',
  ],
  [
    "external data without a place",
    () => read(external({ offset: "0" })),
    'initializer "w": external data without a location; export the model again',
  ],
  ...["../w.bin", "/etc/passwd", "a/../../w", "..\\w.bin", "C:w", "a\0b", "a/", ".", "a/.."].map(
    (location): [string, () => unknown, string | RegExp] => [
      `external data at ${JSON.stringify(location)}`,
      () => read(external({ location })),
      /^initializer "w": external data lies at ".*"; expected a file beneath the model's folder, as a relative path with "\/" and without "\.\."$/,
    ],
  ),
  ...["-1", "1e3", " 4", "0x10", "", "99999999999999999999"].map(
    (offset): [string, () => unknown, string | RegExp] => [
      `external data at the offset ${JSON.stringify(offset)}`,
      () => read(external({ location: "w.bin", offset })),
      `initializer "w": external data has the offset ${JSON.stringify(offset)}, expected a whole number of bytes`,
    ],
  ),
  [
    "external data of another length than the shape's",
    () => read(external({ location: "w.bin", length: "12" })),
    'initializer "w": external data of 12 bytes, but its type and shape need 8; export the model again',
  ],
  [
    "an attribute without type and name",
    () => read({ node: [op("Relu", ["x"], ["y"], { attribute: [{}] })] }),
    'node "make_y" (Relu): attribute "" is of type 0, which is not supported; expected a number, a text, a tensor, a graph, or a list of numbers or texts',
  ],
  [
    "an attribute of a kind that is not read",
    () =>
      read({
        node: [op("Relu", ["x"], ["y"], { attribute: [{ name: "to", type: AttributeType.SPARSE_TENSOR }] })],
      }),
    'node "make_y" (Relu): attribute "to" is of type 11, which is not supported; expected a number, a text, a tensor, a graph, or a list of numbers or texts',
  ],
  [
    "an attribute that refers to a function",
    () =>
      read({
        node: [
          op("Relu", ["x"], ["y"], {
            attribute: [{ name: "axis", type: AttributeType.INT, refAttrName: "outer" }],
          }),
        ],
      }),
    'node "make_y" (Relu): attribute "axis" refers to a function\'s, but lies in no function',
  ],
  [
    "a tensor attribute without contents",
    () =>
      read({
        node: [
          op("Loop", ["x"], ["y"], {
            attribute: [
              { name: "a", type: AttributeType.INT },
              { name: "b", type: AttributeType.FLOAT },
              { name: "c", type: AttributeType.TENSOR },
              { name: "body", type: AttributeType.GRAPH },
            ],
          }),
        ],
      }),
    'node "make_y" (Loop): attribute "c": element type undefined is not supported',
  ],
  [
    "a graph as an attribute that is empty",
    () =>
      read({
        node: [op("Loop", ["x"], ["y"], { attribute: [{ name: "body", type: AttributeType.GRAPH }] })],
      }),
    'Loop "make_y": the body takes 0 inputs, expected 2',
  ],
  [
    "an input without a name",
    () => read({ ...relus, input: [value("")] }),
    "an input of the graph has no name; the file is damaged",
  ],
  [
    "an output without a name",
    () => read({ ...relus, output: [value("")] }),
    "an output of the graph has no name; the file is damaged",
  ],
  [
    "an input of very many axes",
    () => read({ ...relus, input: [value("x", Array(65).fill(1))] }),
    'input "x": it has 65 axes, expected at most 64',
  ],
  [
    "a tensor in segments",
    () => read(tensor({ segment: { begin: 0, end: 1 }, floatData: [1, 2] })),
    'initializer "w": it is stored in segments, which is not supported',
  ],
  [
    "an initializer that is there twice",
    () =>
      read({
        ...relus,
        initializer: [1, 2].map(() => ({ name: "w", dims: [1], dataType: FLOAT, floatData: [1] })),
      }),
    'the value "w" is defined twice, the second time by an initializer; names must differ',
  ],
  [
    "very many unknown operators",
    () => read({ node: Array.from({ length: 15 }, (_, i) => op(`Unknown${i % 12}`, ["x"], [`y${i}`])) }),
    'operators that are not supported: Unknown0 (node "make_y0", node "make_y12"), Unknown1 (node "make_y1", node "make_y13"), Unknown2 (node "make_y2", node "make_y14"), Unknown3 (node "make_y3"), Unknown4 (node "make_y4"), Unknown5 (node "make_y5"), Unknown6 (node "make_y6"), Unknown7 (node "make_y7"), Unknown8 (node "make_y8"), Unknown9 (node "make_y9"), 2 more; write the model with supported ones (docs/OPERATORS.md)',
  ],
  [
    "one unknown operator very often",
    () => read({ node: Array.from({ length: 6 }, (_, i) => op("Unknown", ["x"], [`y${i}`])) }),
    'operators that are not supported: Unknown (node "make_y0", node "make_y1", node "make_y2" and others); write the model with supported ones (docs/OPERATORS.md)',
  ],
  [
    "a long circle",
    () =>
      read({
        node: Array.from({ length: 30 }, (_, i) => op("Relu", [`v${(i + 1) % 30}`], [`v${i}`])),
        output: [value("v0")],
      }),
    'the graph is a circle: "v1" <- "v2" <- "v3" <- "v4" <- "v5" <- "v6" <- "v7" <- "v8" <- … (30 values); a value cannot depend on itself, so the file was put together wrongly',
  ],
])("%s", (_, mistake, message) => {
  test("is refused", () => {
    let found: unknown;
    try {
      mistake();
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({ name: "GraphError" });
    if (typeof message === "string") expect((found as Error).message).toBe(message);
    else expect((found as Error).message).toMatch(message);
  });
});

describe("external data", () => {
  const bytes = new Uint8Array(Float32Array.of(9, 1, 10, 100).buffer);
  const model = readOnnx(
    file({
      node: [op("Mul", ["x", "w"], ["y"])],
      initializer: [
        {
          name: "w",
          dims: [3],
          dataType: FLOAT,
          dataLocation: 1,
          externalData: [
            { key: "location", value: "weights/w.bin" },
            { key: "offset", value: "4" },
          ],
        },
      ],
    }),
  );

  test("is loaded through the caller's reader, from where the file says", async () => {
    const loaded = await loadExternalData(model, async ({ location, offset, length }) => {
      expect(location).toBe("weights/w.bin");
      return bytes.subarray(offset, offset + length);
    });
    expect(await run(importModel(loaded))).toEqual([1, -20, 300, -0.5, 2.5, 0]);
  });

  test("stays where it is for those that are not asked for, and is written back", async () => {
    const same = await loadExternalData(model, () => Promise.reject(new Error("not asked for")), {
      only: ({ dtype }) => dtype === "int64",
    });
    expect(readOnnx(writeOnnx(same))).toEqual(model);
  });

  test("is loaded in bodies and Constant nodes too", async () => {
    const place = { location: "w", offset: 0, length: 4 };
    const w = { name: "w", dtype: "float32", shape: [], data: place } as const;
    const constant = { name: "c", opType: "Constant", inputs: [], outputs: ["c"] };
    const body: ModelAttribute = {
      type: "graph",
      value: {
        name: "b",
        nodes: [{ ...constant, attributes: { value: { type: "tensor", value: w } } }],
        inputs: [],
        outputs: [],
        initializers: [w],
      },
    };
    const node = { name: "l", opType: "Loop", inputs: [], outputs: [], attributes: { body } };
    const asked: string[] = [];
    const loaded = await loadExternalData(
      { ...model, graph: { ...model.graph, nodes: [node], initializers: [] } },
      async ({ location }) => {
        asked.push(location);
        return bytes.subarray(0, 4);
      },
    );
    expect(asked).toEqual(["w", "w"]);
    expect(JSON.stringify(loaded)).not.toContain("location");
  });

  test("that is cut off is refused", async () => {
    await expect(loadExternalData(model, async () => bytes.subarray(0, 8))).rejects.toMatchObject({
      name: "GraphError",
      message:
        'initializer "w": external data of 8 bytes, expected 12; the file "weights/w.bin" is cut off or another one',
    });
  });
});

test("names with control characters and without end are shown in one short line", () => {
  const name = `\u001b[31mred\n${"long".repeat(1000)}`;
  let message = "";
  try {
    read({ node: [op("Relu", [name], ["y"])] });
  } catch (error) {
    message = (error as Error).message;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(message).not.toMatch(/[\u0000-\u001f]/);
  expect(message.length).toBeLessThan(300);
  expect(message).toContain("\\u001b[31mred\\nlong");
});

test("what is read can be differentiated", async () => {
  const { inputs, outputs } = read({ node: [op("Mul", ["x", "x"], ["y"])] });
  const { gradients } = await import("../src/index.js");
  const [dx] = gradients(reduceSum(outputs.y!), [inputs.x!]);
  expect(await run({ inputs, outputs: { y: dx! }, values: new Map(), nodes: new Map() })).toEqual(
    X.map((v) => 2 * v),
  );
});
