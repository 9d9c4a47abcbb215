/** A node test as the builder's handles and plain values. */

import onnxProto, { type onnx as Proto } from "onnx-proto";
import { type DType, dtypeFromOnnx } from "../../src/dtype.js";
import { GraphError } from "../../src/errors.js";
import { type ImportedModel, importModel } from "../../src/import.js";
import type { Model, ModelInitializer } from "../../src/model.js";
import { readOnnx } from "../../src/onnx/read.js";
import { OPS, READINGS } from "../../src/ops/registry.js";
import type { Value } from "../run.js";
import type { NodeTest } from "./archive.js";

/** Whether the builder has all operators and element types of a test. */
export const hasOperators = (test: NodeTest): boolean =>
  missingOperators(test).length === 0 && missingTypes(test).length === 0;

/** The operators that the builder lacks for a test, with their domain where that is not the standard one. */
export function missingOperators({ model }: NodeTest): string[] {
  const missing = [...nodesOf(model.graph!)]
    .filter(({ domain, opType }) => domain || !(OPS.has(opType ?? "") || READINGS.has(opType ?? "")))
    .map(({ domain, opType }) => `${domain ? `${domain}.` : ""}${opType}`);
  return [...new Set(missing)].sort();
}

/** All operators of a test's model, those of its subgraphs included. */
export const operatorsOf = ({ model }: NodeTest): string[] =>
  [...new Set([...nodesOf(model.graph!)].map((node) => node.opType ?? ""))].sort();

function* nodesOf(graph: Proto.IGraphProto): Generator<Proto.INodeProto> {
  for (const node of graph.node ?? []) {
    yield node;
    for (const { g } of node.attribute ?? []) if (g) yield* nodesOf(g);
  }
}

/** ONNX's element types that the builder has not. https://onnx.ai/onnx/intro/concepts.html#element-type */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  0: "undefined",
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
  25: "uint2",
  26: "int2",
};

/** The element types (ONNX's names) and kinds of values that the builder does not represent. */
export function missingTypes({ model }: NodeTest): string[] {
  const graph = model.graph!;
  const codes: (number | null | undefined)[] = [];
  const kinds = new Set<string>();
  for (const { type } of [...(graph.input ?? []), ...(graph.output ?? [])]) {
    if (type?.tensorType) codes.push(type.tensorType.elemType);
    else kinds.add(type?.sequenceType ? "sequence" : type?.optionalType ? "optional" : "other");
  }
  for (const { opType, attribute } of nodesOf(graph)) {
    for (const { name, t, i } of attribute ?? []) {
      if (t) codes.push(t.dataType);
      if (opType === "Cast" && name === "to") codes.push(Number(i));
    }
  }
  for (const code of codes) {
    if (!dtypeFromOnnx(code ?? 0)) kinds.add(OTHER_TYPES[code ?? 0] ?? `type ${code}`);
  }
  return [...kinds].sort();
}

export interface Case {
  /** The file's model, with the inputs that were made constants as initializers. */
  readonly model: Model;
  readonly imported: ImportedModel;
  /** The names of inputs that were made constants. */
  readonly bound: readonly string[];
  /** The graph's inputs that remain, with their values. */
  readonly feeds: readonly (readonly [name: string, value: Value])[];
  readonly expected: readonly (readonly [name: string, value: Value])[];
}

/**
 * Reads a test. The tests feed shapes, axes and the like as inputs, where the builder, which infers all shapes, wants
 * constants: if it says so, integer inputs are made constants with the test's values, and if that is not enough, all
 * inputs but the first.
 */
export function readCase(test: NodeTest): Case {
  const declared = readOnnx(test.bytes);
  const inputs = zip(declared.graph.inputs, tensors(test.inputs));
  const expected = zip(declared.graph.outputs, tensors(test.outputs)).map(
    ([name, t]) => [name, toValue(t)] as const,
  );
  const rules = [
    () => false,
    (t: ModelInitializer) => isInteger(t.dtype),
    (_: ModelInitializer, i: number) => i > 0,
  ];
  for (const [attempt, rule] of rules.entries()) {
    const bound = inputs.filter(([, t], i) => rule(t, i));
    const initializers = [...declared.graph.initializers, ...bound.map(([name, t]) => ({ ...t, name }))];
    const model = { ...declared, graph: { ...declared.graph, initializers } };
    try {
      const imported = importModel(model);
      const names = bound.map(([name]) => name);
      const feeds = inputs
        .filter(([name]) => !names.includes(name))
        .map(([name, t]) => [name, toValue(t)] as const);
      return { model, imported, bound: names, feeds, expected };
    } catch (error) {
      const wantsConstants = error instanceof GraphError && error.message.includes("when the graph runs");
      if (!wantsConstants || attempt === rules.length - 1) throw error;
    }
  }
  throw new Error("unreachable: the last attempt returns or throws");
}

const isInteger = (dtype: DType): boolean => /^u?int/.test(dtype);

const zip = <T>(values: readonly { readonly name: string }[], data: readonly T[]) =>
  data.map((item, i) => [values[i]!.name, item] as const);

/** Serialized TensorProtos, read as the initializers of a graph. */
function tensors(files: readonly Uint8Array[]): readonly ModelInitializer[] {
  const initializer = files.map((bytes) => onnxProto.onnx.TensorProto.decode(bytes));
  const opsetImport = [{ domain: "", version: 21 }];
  return readOnnx(onnxProto.onnx.ModelProto.encode({ opsetImport, graph: { initializer } }).finish()).graph
    .initializers;
}

function toValue({ dtype, shape, data }: ModelInitializer): Value {
  if (!ArrayBuffer.isView(data)) throw new Error("test data lies in the file itself");
  return { dtype, dims: shape, data };
}
