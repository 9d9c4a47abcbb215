/** ONNX file -> model. */
import { type Dim, MOST_AXES } from "../dim.js";
import { type DType, dtypeFromOnnx, dtypeName } from "../dtype.js";
import { GraphError, quote } from "../errors.js";
import type { Model, ModelAttribute, ModelGraph, ModelNode, ModelValue } from "../model.js";
import { decode } from "./decode.js";
import { readTensor } from "./read-tensor.js";
import {
  ATTRIBUTE_TYPES,
  type AttributeProto,
  type DimensionProto,
  type GraphProto,
  MODEL,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from "./schema.js";

/** A size's name, with which inference computes, is no longer than this. */
const LONGEST_DIM = 200;

/**
 * Reads the bytes of a .onnx file. Nodes come as they lie there, whatever their operators; `importModel` makes
 * handles of them.
 * @throws GraphError for bytes that are no ONNX model, and for what a model of the builder cannot hold.
 */
export function readOnnx(bytes: Uint8Array): Model {
  return readModel(decode(MODEL, bytes));
}

/** The model of a decoded file. @throws GraphError as `readOnnx`. */
export function readModel(proto: ModelProto): Model {
  if (!proto.graph) throw new GraphError("not an ONNX model: it holds no graph; check the file");
  const versions = new Map<string, number>();
  for (const { domain = "", version = 0n } of proto.opsetImport ?? [])
    versions.set(domain === "ai.onnx" ? "" : domain, Number(version));
  const opset = versions.get("");
  versions.delete("");
  const imports = Object.fromEntries(versions);
  if (opset === undefined)
    throw new GraphError(
      "the model does not say which operator set it uses (opset_import); the file is cut off, or older than ONNX 1.2: export it again",
    );
  const called = new Set((proto.functions ?? []).map(({ domain = "", name = "" }) => `${domain}.${name}`));
  const metadata = Object.fromEntries(
    (proto.metadataProps ?? []).map(({ key = "", value = "" }) => [key, value]),
  );
  return {
    graph: readGraph(proto.graph, called),
    opset,
    ...(versions.size > 0 ? { imports } : {}),
    metadata,
  };
}

function readGraph(graph: GraphProto, functions: ReadonlySet<string>): ModelGraph {
  const [sparse] = graph.sparseInitializer ?? [];
  if (sparse)
    throw new GraphError(
      `initializer ${quote(sparse.values?.name ?? "")} is sparse, which is not supported; store it as a dense tensor`,
    );
  return {
    name: graph.name ?? "",
    nodes: (graph.node ?? []).map((node) => readNode(node, functions)),
    inputs: (graph.input ?? []).map((value) => readValue(value, "input")),
    outputs: (graph.output ?? []).map((value) => readValue(value, "output")),
    initializers: (graph.initializer ?? []).map((tensor) => readTensor(tensor, "initializer")),
  };
}

function readNode(proto: NodeProto, functions: ReadonlySet<string>): ModelNode {
  const { name = "", opType = "", domain = "", input = [], output = [] } = proto;
  const where = `node ${quote(name || (output[0] ?? ""))} (${opType})`;
  if (functions.has(`${domain}.${opType}`))
    throw new GraphError(
      `${where}: it calls a function of the file's own, which is not supported; put its nodes in place with onnx.inliner.inline_local_functions`,
    );
  const attributes = new Map<string, ModelAttribute>();
  for (const attribute of proto.attribute ?? []) {
    const key = attribute.name ?? "";
    if (attributes.has(key)) throw new GraphError(`${where}: attribute ${quote(key)} is there twice`);
    attributes.set(key, readAttribute(attribute, functions, where));
  }
  return {
    name,
    ...(domain === "" || domain === "ai.onnx" ? {} : { domain }),
    opType,
    inputs: input,
    outputs: output,
    attributes: Object.fromEntries(attributes),
  };
}

/** A byte order mark is a character of the text. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function readAttribute(
  attribute: AttributeProto,
  functions: ReadonlySet<string>,
  where: string,
): ModelAttribute {
  const name = quote(attribute.name ?? "");
  if (attribute.refAttrName)
    throw new GraphError(`${where}: attribute ${name} refers to a function's, but lies in no function`);
  switch (attribute.type) {
    case ATTRIBUTE_TYPES.int:
      return { type: "int", value: Number(attribute.i ?? 0n) };
    case ATTRIBUTE_TYPES.ints:
      return { type: "ints", value: numbers(attribute.ints) };
    case ATTRIBUTE_TYPES.float:
      return { type: "float", value: attribute.f ?? 0 };
    case ATTRIBUTE_TYPES.floats:
      return { type: "floats", value: numbers(attribute.floats) };
    case ATTRIBUTE_TYPES.string:
      return { type: "string", value: utf8.decode(attribute.s) };
    case ATTRIBUTE_TYPES.strings:
      return { type: "strings", value: (attribute.strings ?? []).map((text) => utf8.decode(text)) };
    case ATTRIBUTE_TYPES.tensor:
      return { type: "tensor", value: readTensor(attribute.t ?? {}, `${where}: attribute ${name}`) };
    case ATTRIBUTE_TYPES.graph:
      return { type: "graph", value: readGraph(attribute.g ?? {}, functions) };
    default:
      throw new GraphError(
        `${where}: attribute ${name} is of type ${attribute.type ?? 0}, which is not supported; expected a number, a text, a tensor, a graph, or a list of numbers or texts`,
      );
  }
}

/** Not Array.from, which takes three times the memory on the way. */
function numbers(list: ArrayLike<number | bigint> = []): number[] {
  const result = new Array<number>(list.length);
  for (let i = 0; i < list.length; i++) result[i] = Number(list[i]);
  return result;
}

function readValue({ name = "", type }: ValueInfoProto, role: "input" | "output"): ModelValue {
  const where = `${role} ${quote(name)}`;
  if (name === "") throw new GraphError(`an ${role} of the graph has no name; the file is damaged`);
  if (!type?.tensorType)
    throw new GraphError(
      `${where} is not said to be a tensor; sequences, maps and optionals are not supported, and missing types are added by onnx.shape_inference.infer_shapes`,
    );
  const { elemType = 0, shape } = type.tensorType;
  const dtype = readDType(elemType, where);
  if (!shape)
    throw new GraphError(
      `${where}: the number of its axes is not given; declare its shape (named sizes will do), for outputs with onnx.shape_inference.infer_shapes`,
    );
  const dims = shape.dim ?? [];
  if (dims.length > MOST_AXES)
    throw new GraphError(`${where}: it has ${dims.length} axes, expected at most ${MOST_AXES}`);
  return { name, dtype, shape: dims.map((dim, i) => readDim(dim, `${name}.${i}`, where)) };
}

/** A size, or its name; an axis without either gets a name of its own. */
function readDim({ dimValue, dimParam }: DimensionProto, unnamed: string, where: string): Dim {
  if (dimValue !== undefined) {
    if (dimValue >= 0n && dimValue <= Number.MAX_SAFE_INTEGER) return Number(dimValue);
    throw new GraphError(`${where}: an axis has the size ${dimValue}; expected 0 or more, or a name`);
  }
  const name = dimParam || unnamed;
  if (name.length <= LONGEST_DIM) return name;
  throw new GraphError(
    `${where}: an axis has the name ${quote(name)} of ${name.length} characters, expected at most ${LONGEST_DIM}; shorten it`,
  );
}

function readDType(code: number, where: string): DType {
  const dtype = dtypeFromOnnx(code);
  if (!dtype) throw new GraphError(`${where}: element type ${dtypeName(code)} is not supported`);
  return dtype;
}
