/** Element types: ONNX's numbers, their names, and the typed array that holds each. */

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
  if (dtype === "bfloat16") return floatFromBits(raw << 16);
  return raw;
}

const scratch = new DataView(new ArrayBuffer(4));

function floatFromBits(bits: number): number {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

function toBfloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** IEEE 754 binary16, rounded to nearest, ties to even. */
function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  if (Number.isNaN(value)) return sign | 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = ((bits >>> 23) & 0xff) - 127;
  return sign | (roundHalfEven((magnitude / 2 ** exponent) * 1024 - 1024) + ((exponent + 15) << 10));
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
