/** Bytes that lie, on purpose or by accident: one kind of error, soon, in little memory. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { UserError } from "@onnx-diffusion/diffusion";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphError, importModel, type Model, type ModelNode, readOnnx } from "../src/index.js";

const models = new URL("../../../models/", import.meta.url);
const emitted = readdirSync(models, { recursive: true, encoding: "utf8" })
  .filter((name) => /(inference|eval)_model.onnx$/.test(name))
  .sort()
  .map((name) => [name, readFileSync(new URL(name, models))] as const);
const [smallName, small] = emitted.find(([name]) => name === "conv/inference_model.onnx")!;

/** What reading the bytes gives: the handles, or the error, which must be a user's. */
function attempt(bytes: Uint8Array): { model?: Model; error?: Error } {
  try {
    const model = readOnnx(bytes);
    importModel(model);
    return { model };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).toMatch(/^[^\n]{1,2000}$/);
    return { error };
  }
}

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const field = (number: number, ...bytes: number[]): number[] => [
  ...varint(number * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
];

describe.each<[string, number[], string]>([
  [
    "a length beyond the file",
    [0x3a, 0x7f, 1],
    "ModelProto.graph should be 127 bytes long, 1 are left, at byte 2",
  ],
  [
    "a length beyond the message that it lies in",
    field(7, 0x0a, 100, ...Array<number>(3).fill(0)).concat(field(14, ...Array<number>(200).fill(0))),
    "GraphProto.node should be 100 bytes long, 3 are left, at byte 4",
  ],
  [
    "a length of 64 bits",
    [0x3a, ...Array<number>(9).fill(0xff), 1],
    "ModelProto.graph should be 18446744073709552000 bytes long, 0 are left, at byte 11",
  ],
  [
    "a number without end",
    [8, ...Array<number>(30).fill(0x80)],
    "a number has more than 64 bits, at byte 11",
  ],
  [
    "a number of 70 bits",
    [8, ...Array<number>(9).fill(0xff), 2],
    "a number has more than 64 bits, at byte 11",
  ],
  ["a number that is cut off", [8, 0x80], "a number is cut off, at byte 2"],
  ["field 0", [0, 1], "ModelProto has a field without a number, at byte 1"],
  ["the wire type of groups", [0x0b, 0x0c], "ModelProto.irVersion has wire type 3, expected 0, at byte 1"],
  ["a group in an unknown field", [0xfb, 7], "found wire type 3, expected 0, 1, 2 or 5, at byte 2"],
  [
    "a number where text belongs",
    [0x10, 5],
    "ModelProto.producerName has wire type 0, expected 2, at byte 1",
  ],
  ["text that is no UTF-8", field(2, 0xff, 0xfe), "ModelProto.producerName is no UTF-8 text, at byte 4"],
  ["two graphs", [...field(7), ...field(7)], "ModelProto.graph is there twice, at byte 3"],
  [
    "a float that is cut off",
    field(7, ...field(1, ...field(5, 0x15, 0, 0))),
    "AttributeProto.f is cut off, at byte 7",
  ],
  [
    "packed floats that do not come out even",
    field(7, ...field(5, ...field(4, 1, 2, 3, 4, 5))),
    "TensorProto.floatData is cut off, at byte 10",
  ],
  [
    "a list of numbers as floats",
    field(7, ...field(5, 0x0d, 0, 0, 0, 0)),
    "TensorProto.dims has wire type 5, expected 0 or 2, at byte 5",
  ],
])("%s", (_, bytes, message) => {
  test("is named with its place", () => {
    expect(attempt(Uint8Array.from(bytes)).error).toEqual(
      new GraphError(
        `not an ONNX model: the file is damaged or of another kind (${message}); export it again`,
      ),
    );
  });
});

test("fields that newer versions add are skipped", () => {
  const unknown = [
    0xf8,
    7,
    1,
    0xf9,
    7,
    ...Array<number>(8).fill(0),
    ...field(200, 1, 2),
    0xfd,
    7,
    0,
    0,
    0,
    0,
  ];
  expect(readOnnx(Uint8Array.from([...unknown, ...small]))).toEqual(readOnnx(small));
});

test(`${smallName} cut off at any byte is refused, or lacks metadata alone`, () => {
  const { graph, opset } = readOnnx(small);
  for (let length = 0; length < small.length; length++) {
    const { model, error } = attempt(small.subarray(0, length));
    if (model) expect({ graph: model.graph, opset: model.opset }).toEqual({ graph, opset });
    else expect(error).toBeInstanceOf(GraphError);
  }
});

/** Edits of bytes as fuzzers make them. */
const edit = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("flip", "set", "remove", "insert", "repeat", "cut"),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
});

function edited(
  bytes: Uint8Array,
  edits: readonly (typeof edit extends fc.Arbitrary<infer E> ? E : never)[],
) {
  let result = [...bytes];
  for (const { at, kind, bytes: more } of edits) {
    const i = at % Math.max(1, result.length);
    if (kind === "flip") result[i]! ^= 1 << (more[0]! % 8);
    else if (kind === "set") result.splice(i, more.length, ...more);
    else if (kind === "remove") result.splice(i, more.length);
    else if (kind === "insert") result.splice(i, 0, ...more);
    else if (kind === "repeat") result.splice(i, 0, ...result.slice(i, i + more[0]!));
    else result = result.slice(0, i);
  }
  return Uint8Array.from(result);
}

test.each(emitted)("%s with any bytes changed is read or refused", (_, bytes) => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      attempt(edited(bytes, edits));
    }),
    // Half a millisecond each for the small ones; the time limit is the test of "no hang".
    { numRuns: 400, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
  );
});

/** Models whose parts were exchanged: well-formed files that make no sense. */
function shuffled(model: Model, choices: readonly (readonly [number, number, number])[]): Model {
  const { nodes, initializers } = model.graph;
  const changed: ModelNode[] = [...nodes];
  const tensors = [...initializers];
  const names = [...nodes.flatMap((n) => n.outputs), ...initializers.map((i) => i.name), "", "nowhere"];
  for (const [what, where, which] of choices) {
    const at = where % changed.length;
    const node = changed[at]!;
    const other = nodes[which % nodes.length]!;
    const name = names[which % names.length]!;
    const t = where % Math.max(1, tensors.length);
    const tensor = tensors[t];
    switch (what % 9) {
      case 0:
        changed[at] = {
          ...node,
          inputs: node.inputs.map((x, i) => (i === which % node.inputs.length ? name : x)),
        };
        break;
      case 1:
        changed[at] = { ...node, inputs: node.inputs.slice(0, which % (node.inputs.length + 1)) };
        break;
      case 2:
        changed[at] = { ...node, opType: other.opType };
        break;
      case 3:
        changed[at] = { ...node, attributes: other.attributes };
        break;
      case 4:
        changed[at] = { ...node, attributes: {} };
        break;
      case 5:
        changed[at] = { ...node, outputs: [...node.outputs, name] };
        break;
      case 6:
        changed[at] = {
          ...node,
          attributes: Object.fromEntries(
            Object.entries(node.attributes).map(([key, { type, value }]) => [
              key,
              { type, value: type === "ints" ? [which - 4, 0, 2 ** 40] : type === "int" ? which - 4 : value },
            ]),
          ),
        };
        break;
      case 7:
        if (tensor && ArrayBuffer.isView(tensor.data))
          tensors[t] = { ...tensor, shape: [...tensor.shape].reverse() };
        break;
      default:
        // Values of shapes, axes and indices: turned by some places.
        if (tensor?.dtype === "int64" && ArrayBuffer.isView(tensor.data)) {
          const values = BigInt64Array.from(tensor.data as BigInt64Array, (v) => (v + BigInt(which)) * -3n);
          tensors[t] = { ...tensor, data: values };
        }
    }
  }
  return { ...model, graph: { ...model.graph, nodes: changed, initializers: tensors } };
}

test.each(emitted)("%s with any parts exchanged is read or refused", (_, bytes) => {
  const model = readOnnx(bytes);
  const choice = fc.tuple(fc.nat(), fc.nat(), fc.nat());
  fc.assert(
    fc.property(fc.array(choice, { minLength: 1, maxLength: 6 }), (choices) => {
      try {
        importModel(shuffled(model, choices));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 400, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
  );
});

/**
 * Programs that write the worst files of some MB and read them. `part(number, body)` is a field of a message,
 * `many(bytes, n)` repeats it.
 */
const PRELUDE = `
  import { importModel, readOnnx } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
  const varint = (n) => n < 128 ? [n] : [n % 128 + 128, ...varint(Math.floor(n / 128))];
  const part = (number, body) =>
    Buffer.concat([Buffer.from(varint(number * 8 + 2)), Buffer.from(varint(body.length)), Buffer.from(body)]);
  const many = (bytes, n) => Buffer.alloc(bytes.length * n, Buffer.from(bytes));
  const attempt = (graph) => {
    const bytes = Buffer.concat([part(7, graph), part(8, [16, 21])]);
    try {
      importModel(readOnnx(bytes));
      console.log("read");
    } catch (error) {
      if (error.name !== "GraphError") throw error;
      console.log(error.message.slice(0, 200));
    }
  };
  const node = (op, inputs, output, attributes = []) => part(1, Buffer.concat([
    ...inputs.map((name) => part(1, Buffer.from(name))),
    part(2, Buffer.from(output)), part(4, Buffer.from(op)), ...attributes]));
  const axis = part(5, Buffer.concat([part(1, Buffer.from("axis")), Buffer.from([0x18, 0, 0xa0, 1, 2])]));
  const grow = (op, attributes) => {
    const dim = part(1, part(2, Buffer.from("a+b+c+d+e+f+g+h")));
    const type = part(1, Buffer.concat([Buffer.from([8, 1]), part(2, Buffer.concat([dim, dim]))]));
    const nodes = [node("Shape", ["x"], "v0")];
    for (let i = 0; i < 60; i++) nodes.push(node(op, ["v" + i, "v" + i], "v" + (i + 1), attributes));
    nodes.push(node("Expand", ["x", "v60"], "y"));
    attempt(Buffer.concat([...nodes, part(11, Buffer.concat([part(1, Buffer.from("x")), part(2, type)]))]));
  };
`;

/** What the program took of the processor, in seconds. */
const POSTLUDE = `
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1e6);
`;

describe.each<[string, string, string | RegExp]>([
  [
    "two million nodes of nothing",
    "attempt(many(part(1, []), 2_000_000))",
    /the file has more than 1,000,000 parts; split the model/,
  ],
  [
    "as many nodes of nothing as a file may have",
    "attempt(many(part(1, []), 999_990))",
    /^operators that are not supported: /,
  ],
  [
    "a million initializers of nothing",
    "attempt(many(part(5, [0x10, 1, 8, 0, 0x42, 0]), 490_000))",
    /^the value "" is defined twice/,
  ],
  [
    "thirty million numbers, each with its tag",
    "attempt(part(5, Buffer.concat([Buffer.from([0x10, 7]), many([0x38, 1], 30_000_000)])))",
    /^initializer: 30000000 values for int64 \[\], expected 1/,
  ],
  [
    "sixty million axes",
    "attempt(part(5, Buffer.concat([Buffer.from([0x10, 1]), part(1, Buffer.alloc(60_000_000, 1))])))",
    /^initializer: no tensor has the shape \[1, 1, /,
  ],
  [
    "an attribute of thirty million numbers",
    "attempt(part(1, part(5, Buffer.concat([Buffer.from([0xa0, 1, 7]), part(8, Buffer.alloc(30_000_000, 1))]))))",
    /^operators that are not supported: /,
  ],
  [
    "graphs in graphs, 3,000 deep",
    `let graph = [];
     for (let i = 0; i < 3_000; i++) graph = part(1, part(5, Buffer.concat([Buffer.from([0xa0, 1, 5]), part(6, graph)])));
     attempt(graph);`,
    /messages lie 100 deep in each other, which is protobuf's limit; nest less/,
  ],
  [
    "vectors joined with themselves sixty times",
    `grow("Concat", [axis])`,
    /^Concat: the result has an axis of size \d{16,}: \[\d+\]$/,
  ],
  [
    "sizes multiplied by themselves sixty times",
    `grow("Mul", [])`,
    /^a computed size is longer than 1000 characters \(.*…\); give sizes in numbers$/,
  ],
])("%s", (_, program, message) => {
  // Of the processor, not of the clock: other programs may hold one up, and then it ends soon all the same.
  test("ends within 30 seconds of work and 512 MB of heap", () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--max-old-space-size=512", "--input-type=module", "--eval", PRELUDE + program + POSTLUDE],
      { encoding: "utf8", timeout: 300_000 },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const [text, seconds] = stdout.trim().split("\n");
    expect(text).toMatch(message);
    expect(Number(seconds)).toBeLessThan(30);
  });
});
