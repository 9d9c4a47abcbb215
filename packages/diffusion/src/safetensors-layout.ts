/**
 * Where everything lies in a safetensors file, known before the values are: an ONNX model can point into the file as
 * its external data. The format: 8 bytes little-endian N, N bytes of JSON, then the tensors, one after the other
 * (https://github.com/huggingface/safetensors, "Format").
 */

import { UserError } from "./errors.js";
import type { DType } from "./manifest.js";

// Web and Node have it; the language's own library, against which this package compiles, has not.
declare const TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> };

/** Bytes of an element of each dtype that is written and read here. */
export const SAFETENSORS_ITEM_BYTES = {
  F32: 4,
  F16: 2,
  I32: 4,
  I64: 8,
  U8: 1,
  I8: 1,
  BOOL: 1,
  F64: 8,
  BF16: 2,
} as const;

/** Element types, by the format's names. */
export type SafetensorsDType = keyof typeof SAFETENSORS_ITEM_BYTES;

/** The format's names of the manifest's dtypes. */
export const SAFETENSORS_DTYPE = {
  float32: "F32",
  float16: "F16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  bool: "BOOL",
} as const satisfies Record<DType, SafetensorsDType>;

/** A tensor to lay out: all but its values. */
export interface SafetensorsSpec {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

/** A place in the file, counted from its first byte. */
export interface SafetensorsPlace {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

/** The file before its values are written. */
export interface SafetensorsLayout {
  /** The file's beginning: the length and the JSON, padded with spaces to a multiple of 8 bytes. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** In the order given. */
  readonly tensors: readonly SafetensorsPlace[];
  /** Of the whole file. */
  readonly byteLength: number;
}

/** The key beside the tensors' names that carries the metadata. */
export const METADATA_KEY = "__metadata__";

/** The format's own limit; also keeps a damaged length from being believed. */
export const LARGEST_HEADER = 100_000_000;

/** Whether a value is a number of elements or bytes. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Elements of a shape; undefined where a dimension is no size or the product is past 2^53. */
export function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const dim of shape) {
    if (!isSize(dim)) return undefined;
    count *= dim;
    if (!isSize(count)) return undefined;
  }
  return count;
}

/**
 * Lays tensors out in the given order, without gaps; the JSON has no spaces and no metadata unless given.
 *
 * @throws UserError if a name comes twice or is `__metadata__`, or a shape is none.
 */
export function safetensorsLayout(
  specs: readonly SafetensorsSpec[],
  metadata?: Readonly<Record<string, string>>,
): SafetensorsLayout {
  // joined by hand: an object would put names such as "0" first
  const fields = metadata === undefined ? [] : [`"${METADATA_KEY}":${JSON.stringify(metadata)}`];
  const places: SafetensorsPlace[] = [];
  const names = new Set<string>([METADATA_KEY]);
  let end = 0;
  for (const { name, dtype, shape } of specs) {
    if (names.has(name)) {
      throw new UserError(`safetensors: the name "${name}" is taken, expected another for each tensor`);
    }
    names.add(name);
    const count = elementCount(shape);
    if (count === undefined) {
      throw new UserError(`safetensors: tensor "${name}" has shape [${shape}], expected sizes of 0 or more`);
    }
    const length = count * SAFETENSORS_ITEM_BYTES[dtype];
    const offsets = `[${end},${end + length}]`;
    fields.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":${offsets}}`);
    places.push({ name, offset: end, length });
    end += length;
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const jsonLength = Math.ceil(json.length / 8) * 8;
  if (jsonLength > LARGEST_HEADER) {
    throw new UserError(
      `safetensors: the header takes ${jsonLength} bytes, expected at most ${LARGEST_HEADER}`,
    );
  }
  const header = new Uint8Array(8 + jsonLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(jsonLength), true);
  header.set(json, 8);
  return {
    header,
    tensors: places.map(({ name, offset, length }) => ({ name, offset: header.length + offset, length })),
    byteLength: header.length + end,
  };
}
