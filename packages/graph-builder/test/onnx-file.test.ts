/** The file format itself: our reader against another one on the same bytes, and against bytes that lie. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import onnxProto from "onnx-proto";
import { describe, expect, test } from "vitest";
import { type Model, type ModelGraph, readOnnx, writeOnnx } from "../src/index.js";

const models = fileURLToPath(new URL("../../../models", import.meta.url));
const files = readdirSync(models, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".onnx"))
  .sort();
const { ModelProto } = onnxProto.onnx;

const empty = (graph: Partial<ModelGraph>): Model => ({
  graph: { name: "g", nodes: [], inputs: [], outputs: [], initializers: [], ...graph },
  opset: 21,
  metadata: {},
});

describe.each(files)("%s", (name) => {
  const bytes = readFileSync(`${models}/${name}`);

  test("is read as another reader reads it", () => {
    const { graph } = readOnnx(bytes);
    const other = ModelProto.decode(bytes).graph!;
    expect(graph.nodes.map(({ name, opType, inputs, outputs }) => [name, opType, inputs, outputs])).toEqual(
      other.node!.map((n) => [n.name, n.opType, n.input, n.output]),
    );
    const sizes = (values: typeof other.input) =>
      values!.map((v) => [
        v.name,
        v.type!.tensorType!.shape!.dim!.map((d) =>
          Object.hasOwn(d, "dimParam") ? d.dimParam : Number(d.dimValue),
        ),
      ]);
    expect(graph.inputs.map((v) => [v.name, v.shape])).toEqual(sizes(other.input));
    expect(graph.outputs.map((v) => [v.name, v.shape])).toEqual(sizes(other.output));
    expect(graph.initializers.map((i) => [i.name, i.shape])).toEqual(
      other.initializer!.map((i) => [i.name, i.dims!.map(Number)]),
    );
    for (const [i, { data }] of graph.initializers.entries()) {
      if (!ArrayBuffer.isView(data)) continue;
      const raw = other.initializer![i]!.rawData!;
      expect(Buffer.from(data.buffer, data.byteOffset, data.byteLength).equals(raw)).toBe(true);
    }
  });

  test("is written back byte for byte", () => {
    expect(Buffer.from(writeOnnx(readOnnx(bytes))).equals(bytes)).toBe(true);
  });
});

describe("numbers", () => {
  /** What the other writer makes of these attributes, read by us. */
  const attributes = (list: onnxProto.onnx.IAttributeProto[]) =>
    readOnnx(
      ModelProto.encode({
        opsetImport: [{ version: 21 }],
        graph: { node: [{ opType: "Op", attribute: list }] },
      }).finish(),
    ).graph.nodes[0]!.attributes;

  test("of any sign and size keep their value", () => {
    const values = [0, 1, -1, 127, 128, -128, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1];
    const { type } = { type: onnxProto.onnx.AttributeProto.AttributeType };
    expect(attributes([{ name: "a", type: type.INTS, ints: values }]).a!.value).toEqual(values);
    for (const i of values) expect(attributes([{ name: "a", type: type.INT, i }]).a!.value).toBe(i);
    expect(attributes([{ name: "a", type: type.FLOATS, floats: [0.5, -3] }]).a!.value).toEqual([0.5, -3]);
  });

  test("the largest int64, which says 'to the end', is written as itself", () => {
    const model = empty({
      nodes: [
        {
          name: "n",
          opType: "Op",
          inputs: [],
          outputs: [],
          attributes: { end: { type: "int", value: Number(2n ** 63n - 1n) } },
        },
      ],
    });
    const written = writeOnnx(model);
    // Field 3 of AttributeProto, then the nine bytes of 2^63 - 1.
    expect(Buffer.from(written).includes(Buffer.from("18ffffffffffffffff7f", "hex"))).toBe(true);
    expect(readOnnx(written)).toEqual(model);
  });

  test("of initializers that are no raw bytes", () => {
    const { DataType } = onnxProto.onnx.TensorProto;
    const initializer = [
      { name: "f", dims: [2], dataType: DataType.FLOAT, floatData: [0.5, -1] },
      { name: "d", dims: [1], dataType: DataType.DOUBLE, doubleData: [0.1] },
      { name: "i", dims: [2], dataType: DataType.INT64, int64Data: [-5, 2 ** 40] },
      { name: "u", dims: [1], dataType: DataType.UINT32, uint64Data: [4294967295] },
      { name: "b", dims: [3], dataType: DataType.BOOL, int32Data: [1, 0, 1] },
      { name: "s", dims: [], dataType: DataType.INT8, int32Data: [-7] },
      { name: "h", dims: [1], dataType: DataType.FLOAT16, int32Data: [0x3c00] },
    ];
    const { graph } = readOnnx(
      ModelProto.encode({ opsetImport: [{ version: 21 }], graph: { initializer } }).finish(),
    );
    expect(graph.initializers.map(({ data }) => data)).toEqual([
      Float32Array.of(0.5, -1),
      Float64Array.of(0.1),
      BigInt64Array.of(-5n, 2n ** 40n),
      Uint32Array.of(4294967295),
      Uint8Array.of(1, 0, 1),
      Int8Array.of(-7),
      Uint16Array.of(0x3c00),
    ]);
  });
});
