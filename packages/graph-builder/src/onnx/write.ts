/** Model -> ONNX file. */
import type { Dim } from "../dim.js";
import { type DType, dtypeToOnnx, type TypedArray } from "../dtype.js";
import type { Model, ModelAttribute, ModelGraph, ModelInitializer, ModelNode, ModelValue } from "../model.js";
import { onnx, type Proto } from "./proto.js";

/** ONNX's IR version for opset 21 (ONNX 1.16). */
const IR_VERSION = 10;
const EXTERNAL = 1;

/** The bytes of a .onnx file. The same model gives the same bytes. */
export function writeOnnx(model: Model): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: "onnx-diffusion",
    opsetImport: [{ domain: "", version: model.opset }],
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: graphProto(model.graph),
  }).finish();
}

function graphProto(graph: ModelGraph): Proto.IGraphProto {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueProto),
    output: graph.outputs.map(valueProto),
    initializer: graph.initializers.map(tensorProto),
  };
}

function nodeProto({ name, opType, inputs, outputs, attributes }: ModelNode): Proto.INodeProto {
  return {
    name,
    opType,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([attribute, value]) => attributeProto(attribute, value)),
  };
}

const utf8 = new TextEncoder();

function attributeProto(name: string, { type, value }: ModelAttribute): Proto.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  switch (type) {
    case "int":
      return { name, type: AttributeType.INT, i: value as number };
    case "ints":
      return { name, type: AttributeType.INTS, ints: [...(value as readonly number[])] };
    case "float":
      return { name, type: AttributeType.FLOAT, f: value as number };
    case "floats":
      return { name, type: AttributeType.FLOATS, floats: [...(value as readonly number[])] };
    case "string":
      return { name, type: AttributeType.STRING, s: utf8.encode(value as string) };
    case "tensor":
      return { name, type: AttributeType.TENSOR, t: tensorProto(value as ModelInitializer) };
    case "graph":
      return { name, type: AttributeType.GRAPH, g: graphProto(value as ModelGraph) };
  }
}

function valueProto({ name, dtype, shape }: ModelValue): Proto.IValueInfoProto {
  return {
    name,
    type: { tensorType: { elemType: dtypeToOnnx(dtype), shape: { dim: shape.map(dimProto) } } },
  };
}

const dimProto = (dim: Dim): Proto.TensorShapeProto.IDimension =>
  typeof dim === "number" ? { dimValue: dim } : { dimParam: dim };

function tensorProto({ name, dtype, shape, data }: ModelInitializer): Proto.ITensorProto {
  const head = { name, dims: [...shape], dataType: dtypeToOnnx(dtype as DType) };
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
