/** ONNX file -> model. */
import type { Dim } from "../dim.js";
import {
  bytesPerElement,
  type DType,
  dtypeFromOnnx,
  type TypedArray,
  toTypedArray,
  viewBytes,
} from "../dtype.js";
import { GraphError } from "../errors.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode, ModelValue } from "../model.js";
import type { ExternalData } from "../tensor.js";
import { onnx, type Proto } from "./proto.js";

const EXTERNAL = 1;

/**
 * Reads the bytes of a .onnx file.
 * @throws GraphError for bytes that are no ONNX model, and for what the builder cannot represent.
 */
export function readOnnx(bytes: Uint8Array): Model {
  let proto: Proto.ModelProto;
  try {
    proto = onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new GraphError(
      `not an ONNX model: the file is damaged or of another kind (${(cause as Error).message}); export it again`,
      { cause },
    );
  }
  if (!proto.graph) throw new GraphError("not an ONNX model: it holds no graph; check the file");
  const standard = proto.opsetImport.find(
    (entry) => (entry.domain ?? "") === "" || entry.domain === "ai.onnx",
  );
  const metadata = Object.fromEntries(
    (proto.metadataProps ?? []).map(({ key, value }) => [key ?? "", value ?? ""]),
  );
  return { graph: readGraph(proto.graph), opset: Number(standard?.version ?? 0), metadata };
}

function readGraph(graph: Proto.IGraphProto): ModelGraph {
  return {
    name: graph.name ?? "",
    nodes: (graph.node ?? []).map(readNode),
    inputs: (graph.input ?? []).map(readValue),
    outputs: (graph.output ?? []).map(readValue),
    initializers: (graph.initializer ?? []).map(readTensor),
  };
}

function readNode(node: Proto.INodeProto): ModelNode {
  const { name, opType, domain } = node;
  if (domain && domain !== "ai.onnx")
    throw new GraphError(
      `node "${name}": operator ${domain}.${opType} is not of the standard domain; only ai.onnx is supported`,
    );
  return {
    name: name ?? "",
    opType: opType ?? "",
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes: Object.fromEntries(
      (node.attribute ?? []).map((a) => [a.name ?? "", readAttribute(a, `node "${name}" (${opType})`)]),
    ),
  };
}

const utf8 = new TextDecoder();

function readAttribute(attribute: Proto.IAttributeProto, where: string): ModelAttribute {
  const { AttributeType } = onnx.AttributeProto;
  switch (attribute.type) {
    case AttributeType.INT:
      return { type: "int", value: Number(attribute.i ?? 0) };
    case AttributeType.INTS:
      return { type: "ints", value: (attribute.ints ?? []).map(Number) };
    case AttributeType.FLOAT:
      return { type: "float", value: attribute.f ?? 0 };
    case AttributeType.FLOATS:
      return { type: "floats", value: attribute.floats ?? [] };
    case AttributeType.STRING:
      return { type: "string", value: utf8.decode(attribute.s ?? new Uint8Array()) };
    case AttributeType.TENSOR:
      return { type: "tensor", value: readTensor(attribute.t ?? {}) };
    case AttributeType.GRAPH:
      return { type: "graph", value: readGraph(attribute.g ?? {}) };
    default:
      throw new GraphError(
        `${where}: attribute "${attribute.name}" has a type (${attribute.type}) that is not supported`,
      );
  }
}

function readValue(value: Proto.IValueInfoProto): ModelValue {
  const { name, type } = value;
  const tensor = type?.tensorType;
  if (!tensor)
    throw new GraphError(`value "${name}" is not a tensor; sequences, maps and optionals are not supported`);
  return {
    name: name ?? "",
    dtype: readDType(tensor.elemType, `value "${name}"`),
    shape: (tensor.shape?.dim ?? []).map((dim, i) => readDim(dim, `${name}.${i}`)),
  };
}

function readDim(dim: Proto.TensorShapeProto.IDimension, unnamed: string): Dim {
  // protobufjs keeps an unset oneof's default on the prototype.
  if (Object.hasOwn(dim, "dimValue")) return Number(dim.dimValue);
  return dim.dimParam ? dim.dimParam : unnamed;
}

function readDType(code: number | null | undefined, where: string): DType {
  const dtype = dtypeFromOnnx(code ?? 0);
  if (!dtype) throw new GraphError(`${where}: element type ${code} is not supported`);
  return dtype;
}

function readTensor(tensor: Proto.ITensorProto): ModelInitializer {
  const where = `tensor "${tensor.name}"`;
  const dtype = readDType(tensor.dataType, where);
  const shape = (tensor.dims ?? []).map(Number);
  return { name: tensor.name ?? "", dtype, shape, data: readData(tensor, dtype, shape, where) };
}

function readData(
  tensor: Proto.ITensorProto,
  dtype: DType,
  shape: readonly number[],
  where: string,
): TypedArray | ExternalData {
  const count = shape.reduce((a, b) => a * b, 1);
  if (tensor.dataLocation === EXTERNAL) {
    const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value ?? ""]));
    const location = entries.get("location");
    if (!location) throw new GraphError(`${where}: external data without a location`);
    return {
      location,
      offset: Number(entries.get("offset") ?? 0),
      length: Number(entries.get("length") ?? count * bytesPerElement(dtype)),
    };
  }
  const raw = tensor.rawData;
  if (raw && raw.length > 0) {
    if (raw.length !== count * bytesPerElement(dtype))
      throw new GraphError(
        `${where}: ${raw.length} bytes for ${dtype} [${shape}], expected ${count * bytesPerElement(dtype)}`,
      );
    return viewBytes(dtype, raw);
  }
  const typed: ArrayLike<unknown> =
    dtype === "float32"
      ? (tensor.floatData ?? [])
      : dtype === "float64"
        ? (tensor.doubleData ?? [])
        : dtype === "int64"
          ? (tensor.int64Data ?? [])
          : dtype === "uint64" || dtype === "uint32"
            ? (tensor.uint64Data ?? [])
            : (tensor.int32Data ?? []);
  if (typed.length !== count)
    throw new GraphError(`${where}: ${typed.length} values for the shape [${shape}], expected ${count}`);
  // Half-precision numbers lie in int32_data as bits.
  if (dtype === "float16" || dtype === "bfloat16") return Uint16Array.from(typed as ArrayLike<number>);
  return toTypedArray(
    dtype,
    Array.from(typed, (v) => (typeof v === "object" ? BigInt(String(v)) : (v as number))),
  );
}
