/** Model -> ONNX file. */
import type { Dim } from "../dim.js";
import { dtypeToOnnx, type TypedArray } from "../dtype.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode, ModelValue } from "../model.js";
import { encode } from "./encode.js";
import {
  ATTRIBUTE_TYPES,
  type AttributeProto,
  type DimensionProto,
  type GraphProto,
  MODEL,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./schema.js";

/** ONNX's IR version for opset 21 (ONNX 1.16). */
const IR_VERSION = 10n;
const EXTERNAL = 1;
const LARGEST_INT64 = 2n ** 63n - 1n;

/** The bytes of a .onnx file. The same model gives the same bytes. */
export function writeOnnx(model: Model): Uint8Array {
  const versions = [["", model.opset] as const, ...Object.entries(model.imports ?? {})];
  return encode(MODEL, {
    irVersion: IR_VERSION,
    producerName: "onnx-diffusion",
    opsetImport: versions.map(([domain, version]) => ({ domain, version: BigInt(version) })),
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: graphProto(model.graph),
  });
}

function graphProto(graph: ModelGraph): GraphProto {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueProto),
    output: graph.outputs.map(valueProto),
    initializer: graph.initializers.map(tensorProto),
  };
}

function nodeProto({ name, domain, opType, inputs, outputs, attributes }: ModelNode): NodeProto {
  return {
    name,
    opType,
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([attribute, value]) => attributeProto(attribute, value)),
    ...(domain === undefined ? {} : { domain }),
  };
}

const utf8 = new TextEncoder();

function attributeProto(name: string, { type, value }: ModelAttribute): AttributeProto {
  const head = { name, type: ATTRIBUTE_TYPES[type] };
  switch (type) {
    case "int":
      return { ...head, i: int64(value as number) };
    case "ints":
      return { ...head, ints: BigInt64Array.from(value as readonly number[], int64) };
    case "float":
      return { ...head, f: value as number };
    case "floats":
      return { ...head, floats: Float32Array.from(value as readonly number[]) };
    case "string":
      return { ...head, s: utf8.encode(value as string) };
    case "strings":
      return { ...head, strings: (value as readonly string[]).map((text) => utf8.encode(text)) };
    case "tensor":
      return { ...head, t: tensorProto(value as ModelInitializer) };
    case "graph":
      return { ...head, g: graphProto(value as ModelGraph) };
  }
}

/** The largest int64 ("to the end") is read as the double next to it, which is one more. */
function int64(value: number): bigint {
  const exact = BigInt(value);
  return exact > LARGEST_INT64 ? LARGEST_INT64 : exact;
}

function valueProto({ name, dtype, shape }: ModelValue): ValueInfoProto {
  return {
    name,
    type: { tensorType: { elemType: dtypeToOnnx(dtype), shape: { dim: shape.map(dimProto) } } },
  };
}

const dimProto = (dim: Dim): DimensionProto =>
  typeof dim === "number" ? { dimValue: BigInt(dim) } : { dimParam: dim };

function tensorProto({ name, dtype, shape, data }: ModelInitializer): TensorProto {
  const head = { name, dims: BigInt64Array.from(shape, BigInt), dataType: dtypeToOnnx(dtype) };
  if (ArrayBuffer.isView(data)) return { ...head, rawData: rawBytes(data) };
  const entries = { location: data.location, offset: `${data.offset}`, length: `${data.length}` };
  return {
    ...head,
    dataLocation: EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

const rawBytes = (data: TypedArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
