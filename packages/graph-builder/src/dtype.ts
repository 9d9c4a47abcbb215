/** Element types: ONNX's numbers, their names, and the typed array that holds each. */
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from "@onnx-diffusion/diffusion";

/** Element types, by ONNX's names in NumPy's spelling. */
export type DType =
  | "float32"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "int32"
  | "int64"
  | "bool"
  | "float16"
  | "float64"
  | "uint32"
  | "uint64"
  | "bfloat16";

const DTYPES = {
  float32: { onnx: 1, array: Float32Array, kind: "float" },
  uint8: { onnx: 2, array: Uint8Array, kind: "int" },
  int8: { onnx: 3, array: Int8Array, kind: "int" },
  uint16: { onnx: 4, array: Uint16Array, kind: "int" },
  int16: { onnx: 5, array: Int16Array, kind: "int" },
  int32: { onnx: 6, array: Int32Array, kind: "int" },
  int64: { onnx: 7, array: BigInt64Array, kind: "int" },
  bool: { onnx: 9, array: Uint8Array, kind: "bool" },
  float16: { onnx: 10, array: Uint16Array, kind: "float" },
  float64: { onnx: 11, array: Float64Array, kind: "float" },
  uint32: { onnx: 12, array: Uint32Array, kind: "int" },
  uint64: { onnx: 13, array: BigUint64Array, kind: "int" },
  bfloat16: { onnx: 16, array: Uint16Array, kind: "float" },
} as const satisfies Record<DType, unknown>;

/** What holds the elements of a tensor: float16 and bfloat16 as their bits, bool as bytes 0 and 1. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export const dtypeToOnnx = (dtype: DType): number => DTYPES[dtype].onnx;

export function dtypeFromOnnx(code: number): DType | undefined {
  return (Object.keys(DTYPES) as DType[]).find((name) => DTYPES[name].onnx === code);
}

/** Element types that ONNX has and the builder has not, by their numbers. */
const OTHERS: Readonly<Record<number, string>> = {
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

/** An element type's name for errors, whether the builder has it or not. */
export const dtypeName = (code: number): string => dtypeFromOnnx(code) ?? OTHERS[code] ?? `number ${code}`;

export const isFloat = (dtype: DType): boolean => DTYPES[dtype].kind === "float";

export const bytesPerElement = (dtype: DType): number => DTYPES[dtype].array.BYTES_PER_ELEMENT;

/** The numbers as a typed array of the type; bool as 0 and 1, float16 and bfloat16 rounded to nearest even. */
export function toTypedArray(dtype: DType, values: ArrayLike<number | bigint | boolean>): TypedArray {
  if (dtype === "int64") return BigInt64Array.from(Array.from(values, BigInt));
  if (dtype === "uint64") return BigUint64Array.from(Array.from(values, BigInt));
  const numbers = Array.from(values, Number);
  if (dtype === "float16") return Uint16Array.from(numbers, toHalf);
  if (dtype === "bfloat16") return Uint16Array.from(numbers, toBfloat16);
  return DTYPES[dtype].array.from(numbers as never) as TypedArray;
}

/** Numbers as files store them (halves as their bits) in the type's own array. */
export function fromStored(dtype: DType, values: TypedArray): TypedArray {
  const Typed = DTYPES[dtype].array;
  if (values instanceof Typed) return values;
  const result = new Typed(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Number(values[i]);
  return result;
}

/** A view of little-endian bytes as the type's array; copies where the bytes are not aligned. */
export function viewBytes(dtype: DType, bytes: Uint8Array): TypedArray {
  const Typed = DTYPES[dtype].array;
  // Not slice(): a Buffer's is a view.
  const aligned = bytes.byteOffset % Typed.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const length = aligned.byteLength / Typed.BYTES_PER_ELEMENT;
  return new Typed(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}

/** The element as a JavaScript number (float16 and bfloat16 decoded). */
export function elementAt(dtype: DType, data: TypedArray, index: number): number {
  const raw = Number(data[index]);
  if (dtype === "float16") return fromHalf(raw);
  if (dtype === "bfloat16") return fromBfloat16(raw);
  return raw;
}
