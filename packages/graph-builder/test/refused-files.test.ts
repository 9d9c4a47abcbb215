/** Files that break ONNX's rules are refused, each in one sentence. */
import type { onnx as Proto } from "onnx-proto";
import { describe, expect, test } from "vitest";
import { readOnnx } from "../src/index.js";
import { AttributeType, FLOAT, INT64, ModelProto, op, read, value } from "./foreign-file.js";

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
  ...([1, 5, 7, 10, 11, 13, 16] as const).map((dataType): [string, () => unknown, string | RegExp] => [
    `no elements of type ${dataType}`,
    () => read(tensor({ dataType })),
    /^initializer "w": 0 values for \w+ \[2\], expected 2; the file is damaged$/,
  ]),
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
