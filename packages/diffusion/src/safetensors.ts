/**
 * Reads and writes safetensors as bytes; files and networks are the caller's. Reading trusts nothing: a file may come
 * from anywhere.
 */

import { UserError } from "./errors.js";
import {
  elementCount,
  isSize,
  LARGEST_HEADER,
  METADATA_KEY,
  SAFETENSORS_ITEM_BYTES,
  type SafetensorsDType,
  type SafetensorsSpec,
  safetensorsLayout,
} from "./safetensors-layout.js";
import { show } from "./show.js";

// Web and Node have it; the language's own library, against which this package compiles, has not.
declare const TextDecoder: new (
  label: "utf-8",
  options: { fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/** Values as the platform holds them: F16 and BF16 as their bits in a Uint16Array, BOOL as bytes 0 and 1. */
export type SafetensorsData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint16Array
  | Uint8Array
  | Int8Array;

/** A tensor to write; `data` may be of its own type or bytes. */
export interface SafetensorsInput extends SafetensorsSpec {
  readonly data: SafetensorsData;
}

/** A tensor that was read. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** A view into the bytes that were read; a copy only where they lie across the type's alignment. */
  readonly data: SafetensorsData;
}

/** What a file holds. */
export interface SafetensorsFile {
  /** In the order of the data. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const ARRAYS = {
  F32: Float32Array,
  F16: Uint16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  I8: Int8Array,
  BOOL: Uint8Array,
  F64: Float64Array,
  BF16: Uint16Array,
} as const satisfies Record<SafetensorsDType, unknown>;

/** The format is little-endian, and so is every machine that typed arrays are known to run on but a few. */
function checkByteOrder(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return;
  throw new UserError("safetensors: this machine is big-endian, expected a little-endian one");
}

/**
 * The bytes of a file with these tensors in this order, laid out by {@link safetensorsLayout}.
 *
 * @throws UserError if a tensor's data has not the bytes that its dtype and shape say.
 */
export function encodeSafetensors(
  tensors: readonly SafetensorsInput[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  checkByteOrder();
  const layout = safetensorsLayout(tensors, metadata);
  const bytes = new Uint8Array(layout.byteLength);
  bytes.set(layout.header);
  for (const [i, { offset, length }] of layout.tensors.entries()) {
    const { name, dtype, shape, data } = tensors[i]!;
    if (data.byteLength !== length) {
      throw new UserError(
        `safetensors: tensor "${name}" has ${data.byteLength} bytes, expected ${length} for ${dtype} [${shape}]`,
      );
    }
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, length), offset);
  }
  return bytes;
}

/**
 * Reads a whole file.
 *
 * @param bytes the file.
 * @param where what errors call it, such as its path.
 * @throws UserError if anything in it is not as the format says.
 */
export function decodeSafetensors(bytes: Uint8Array, where = "safetensors"): SafetensorsFile {
  checkByteOrder();
  const fail = (problem: string): never => {
    throw new UserError(`${where}: ${problem}; the file is damaged or is no safetensors file`);
  };
  const { text, dataStart } = readHeader(bytes, fail);
  const header = parseHeader(text, fail);

  const metadata = new Map<string, string>();
  const specs: { name: string; dtype: SafetensorsDType; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (!isObject(entry)) fail(`${show(name)} is ${show(entry)}, expected an object`);
    else if (name === METADATA_KEY) {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value === "string") metadata.set(key, value);
        else fail(`metadata ${show(key)} is ${show(value)}, expected a string`);
      }
    } else specs.push({ name, ...readSpec(name, entry, fail) });
  }

  specs.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, SafetensorsTensor>();
  let at = 0;
  for (const { name, dtype, shape, begin, end } of specs) {
    if (begin !== at) fail(`tensor ${show(name)} begins at byte ${begin} of the data, expected ${at}`);
    if (end > bytes.length - dataStart) {
      fail(`tensor ${show(name)} ends at byte ${end} of the data, which has ${bytes.length - dataStart}`);
    }
    tensors.set(name, { dtype, shape, data: view(bytes, dataStart + begin, end - begin, dtype) });
    at = end;
  }
  if (at !== bytes.length - dataStart) {
    fail(`the tensors take ${at} bytes, the data has ${bytes.length - dataStart}`);
  }
  return { tensors, metadata };
}

/** Ends the reading with an error. */
type Fail = (problem: string) => never;

function readHeader(bytes: Uint8Array, fail: Fail): { text: string; dataStart: number } {
  if (bytes.length < 8) fail(`found ${bytes.length} bytes, expected 8 or more`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > LARGEST_HEADER) fail(`the header's length is ${length}, expected at most ${LARGEST_HEADER}`);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    fail(`the header's length is ${length}, but only ${bytes.length - 8} bytes follow`);
  }
  try {
    return {
      text: new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart)),
      dataStart,
    };
  } catch {
    return fail("the header is not UTF-8");
  }
}

function parseHeader(text: string, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return fail("the header is not JSON");
  }
  if (!isObject(header)) return fail("the header is not a JSON object");
  const names = new Set<string>();
  for (const name of topLevelKeys(text)) {
    if (names.has(name)) fail(`the name ${show(name)} comes twice`);
    names.add(name);
  }
  return header;
}

function readSpec(
  name: string,
  entry: Record<string, unknown>,
  fail: Fail,
): { dtype: SafetensorsDType; shape: number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(SAFETENSORS_ITEM_BYTES, dtype)) {
    const known = Object.keys(SAFETENSORS_ITEM_BYTES).join(", ");
    return fail(`tensor ${show(name)} has dtype ${show(dtype)}, expected one of ${known}`);
  }
  const count = Array.isArray(shape) ? elementCount(shape) : undefined;
  if (count === undefined) {
    return fail(`tensor ${show(name)} has shape ${show(shape)}, expected sizes of 0 or more`);
  }
  const [begin, end, more] = Array.isArray(offsets) ? offsets : [];
  if (!isSize(begin) || !isSize(end) || more !== undefined) {
    return fail(`tensor ${show(name)} has data_offsets ${show(offsets)}, expected two byte offsets`);
  }
  const itemBytes = SAFETENSORS_ITEM_BYTES[dtype as SafetensorsDType];
  if (end - begin !== count * itemBytes) {
    fail(
      `tensor ${show(name)} has ${end - begin} bytes, expected ${count * itemBytes} for ${dtype} ${show(shape)}`,
    );
  }
  return { dtype: dtype as SafetensorsDType, shape: shape as number[], begin, end };
}

/** The keys of the outer object as they stand in valid JSON; `JSON.parse` would drop all but the last of equal ones. */
function* topLevelKeys(json: string): Generator<string> {
  let depth = 0;
  let last = "";
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ":") {
      if (depth === 1) yield JSON.parse(last) as string;
    } else last = token;
  }
}

function view(bytes: Uint8Array, offset: number, length: number, dtype: SafetensorsDType): SafetensorsData {
  const start = bytes.byteOffset + offset;
  const itemBytes = SAFETENSORS_ITEM_BYTES[dtype];
  if (start % itemBytes === 0) {
    // the constructors of BigInt64Array and the others agree on this call, their types only for ArrayBuffer
    return new ARRAYS[dtype](bytes.buffer as ArrayBuffer, start, length / itemBytes);
  }
  // not bytes.slice(): a Buffer of Node's would give a view
  return new ARRAYS[dtype](new Uint8Array(bytes.subarray(offset, offset + length)).buffer);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
