/**
 * The messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) as far as the builder uses them:
 * the field numbers and kinds of each. What is not listed here (documentation, inferred types) is skipped unread.
 */
export interface Values {
  string: string;
  bytes: Uint8Array;
  int32: number;
  int64: bigint;
  float: number;
  strings: readonly string[];
  byteses: readonly Uint8Array[];
  int32s: Int32Array;
  int64s: BigInt64Array;
  uint64s: BigUint64Array;
  floats: Float32Array;
  doubles: Float64Array;
}

type Kind = keyof Values;

/** One field: its number, its kind, and for a message inside (`many`: a list of them) what that is. */
export interface Field {
  readonly key: string;
  readonly number: number;
  readonly kind: Kind | "message" | "messages";
  readonly schema?: () => Schema<never>;
}

/** T is the message's type here; it appears nowhere else. */
export interface Schema<T> {
  readonly name: string;
  /** In the order of their numbers, which is the order of writing. */
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
  readonly type?: T;
}

type Element<V> = V extends readonly (infer E)[] ? E : V;
type Fields<T> = {
  readonly [K in keyof Required<T>]: readonly [
    number: number,
    kind:
      | { [N in Kind]: Values[N] extends Required<T>[K] ? N : never }[Kind]
      | (() => Schema<Element<Required<T>[K]>>),
    many?: "many",
  ];
};

function message<T>(name: string, fields: Fields<T>): Schema<T> {
  const list = (Object.entries(fields) as [string, Fields<Record<string, string>>[string]][])
    .map(
      ([key, [number, kind, many]]): Field =>
        typeof kind === "function"
          ? { key, number, kind: many ? "messages" : "message", schema: kind as () => Schema<never> }
          : { key, number, kind },
    )
    .sort((a, b) => a.number - b.number);
  return { name, fields: list, byNumber: new Map(list.map((field) => [field.number, field])) };
}

interface Entry {
  key?: string;
  value?: string;
}
const ENTRY = message<Entry>("StringStringEntryProto", { key: [1, "string"], value: [2, "string"] });

export interface TensorProto {
  name?: string;
  dims?: BigInt64Array;
  dataType?: number;
  segment?: Uint8Array;
  floatData?: Float32Array;
  int32Data?: Int32Array;
  int64Data?: BigInt64Array;
  uint64Data?: BigUint64Array;
  doubleData?: Float64Array;
  rawData?: Uint8Array;
  externalData?: readonly Entry[];
  dataLocation?: number;
}
const TENSOR = message<TensorProto>("TensorProto", {
  dims: [1, "int64s"],
  dataType: [2, "int32"],
  segment: [3, "bytes"],
  floatData: [4, "floats"],
  int32Data: [5, "int32s"],
  int64Data: [7, "int64s"],
  name: [8, "string"],
  rawData: [9, "bytes"],
  doubleData: [10, "doubles"],
  uint64Data: [11, "uint64s"],
  externalData: [13, () => ENTRY, "many"],
  dataLocation: [14, "int32"],
});

interface SparseTensorProto {
  values?: TensorProto;
}
const SPARSE_TENSOR = message<SparseTensorProto>("SparseTensorProto", { values: [1, () => TENSOR] });

export interface DimensionProto {
  dimValue?: bigint;
  dimParam?: string;
}
const DIMENSION = message<DimensionProto>("TensorShapeProto.Dimension", {
  dimValue: [1, "int64"],
  dimParam: [2, "string"],
});

interface ShapeProto {
  dim?: readonly DimensionProto[];
}
const SHAPE = message<ShapeProto>("TensorShapeProto", { dim: [1, () => DIMENSION, "many"] });

interface TensorTypeProto {
  elemType?: number;
  shape?: ShapeProto;
}
const TENSOR_TYPE = message<TensorTypeProto>("TypeProto.Tensor", {
  elemType: [1, "int32"],
  shape: [2, () => SHAPE],
});

interface TypeProto {
  tensorType?: TensorTypeProto;
}
const TYPE = message<TypeProto>("TypeProto", { tensorType: [1, () => TENSOR_TYPE] });

export interface ValueInfoProto {
  name?: string;
  type?: TypeProto;
}
const VALUE_INFO = message<ValueInfoProto>("ValueInfoProto", { name: [1, "string"], type: [2, () => TYPE] });

export interface AttributeProto {
  name?: string;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: Float32Array;
  ints?: BigInt64Array;
  strings?: readonly Uint8Array[];
  type?: number;
  refAttrName?: string;
}
const ATTRIBUTE: Schema<AttributeProto> = message<AttributeProto>("AttributeProto", {
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int64"],
  s: [4, "bytes"],
  t: [5, () => TENSOR],
  g: [6, () => GRAPH],
  floats: [7, "floats"],
  ints: [8, "int64s"],
  strings: [9, "byteses"],
  type: [20, "int32"],
  refAttrName: [21, "string"],
});

/** AttributeProto.AttributeType */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

export interface NodeProto {
  input?: readonly string[];
  output?: readonly string[];
  name?: string;
  opType?: string;
  attribute?: readonly AttributeProto[];
  domain?: string;
}
const NODE = message<NodeProto>("NodeProto", {
  input: [1, "strings"],
  output: [2, "strings"],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, () => ATTRIBUTE, "many"],
  domain: [7, "string"],
});

export interface GraphProto {
  node?: readonly NodeProto[];
  name?: string;
  initializer?: readonly TensorProto[];
  input?: readonly ValueInfoProto[];
  output?: readonly ValueInfoProto[];
  sparseInitializer?: readonly SparseTensorProto[];
}
const GRAPH: Schema<GraphProto> = message<GraphProto>("GraphProto", {
  node: [1, () => NODE, "many"],
  name: [2, "string"],
  initializer: [5, () => TENSOR, "many"],
  input: [11, () => VALUE_INFO, "many"],
  output: [12, () => VALUE_INFO, "many"],
  sparseInitializer: [15, () => SPARSE_TENSOR, "many"],
});

interface OperatorSetProto {
  domain?: string;
  version?: bigint;
}
const OPERATOR_SET = message<OperatorSetProto>("OperatorSetIdProto", {
  domain: [1, "string"],
  version: [2, "int64"],
});

interface FunctionProto {
  name?: string;
  domain?: string;
}
const FUNCTION = message<FunctionProto>("FunctionProto", { name: [1, "string"], domain: [10, "string"] });

export interface ModelProto {
  irVersion?: bigint;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: bigint;
  graph?: GraphProto;
  opsetImport?: readonly OperatorSetProto[];
  metadataProps?: readonly Entry[];
  functions?: readonly FunctionProto[];
}
export const MODEL = message<ModelProto>("ModelProto", {
  irVersion: [1, "int64"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  domain: [4, "string"],
  modelVersion: [5, "int64"],
  graph: [7, () => GRAPH],
  opsetImport: [8, () => OPERATOR_SET, "many"],
  metadataProps: [14, () => ENTRY, "many"],
  functions: [25, () => FUNCTION, "many"],
});
