/** Messages -> protobuf's wire format. The same message gives the same bytes: fields in the order of their numbers. */
import type { Field, Schema, Values } from "./schema.js";

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

export function encode<T extends object>(schema: Schema<T>, message: T): Uint8Array {
  const pieces = new Pieces();
  write(schema as Schema<never>, message as Record<string, unknown>, pieces);
  return pieces.join();
}

function write(schema: Schema<never>, message: Readonly<Record<string, unknown>>, out: Pieces): void {
  for (const field of schema.fields) {
    const value = message[field.key];
    if (value !== undefined) writeField(field, value, out);
  }
}

const utf8 = new TextEncoder();

function writeField({ number, kind, schema }: Field, value: unknown, out: Pieces): void {
  const tag = (wire: number) => out.varint(BigInt(number * 8 + wire));
  const span = (bytes: Uint8Array) => {
    tag(BYTES);
    out.varint(BigInt(bytes.length));
    out.bytes(bytes);
  };
  const inner = (message: unknown) => {
    const pieces = new Pieces();
    write(schema!(), message as Record<string, unknown>, pieces);
    tag(BYTES);
    out.varint(BigInt(pieces.length));
    out.append(pieces);
  };
  switch (kind) {
    case "string":
      span(utf8.encode(value as string));
      break;
    case "strings":
      for (const text of value as readonly string[]) span(utf8.encode(text));
      break;
    case "bytes":
      span(value as Uint8Array);
      break;
    case "byteses":
      for (const bytes of value as readonly Uint8Array[]) span(bytes);
      break;
    case "int32":
    case "int64":
      tag(VARINT);
      out.varint(BigInt(value as number | bigint));
      break;
    case "float":
      tag(FIXED32);
      out.bytes(littleEndian(Float32Array.of(value as number)));
      break;
    case "message":
      inner(value);
      break;
    case "messages":
      for (const message of value as readonly unknown[]) inner(message);
      break;
    default: {
      const packed = packNumbers(value as Values["int32s" | "int64s" | "uint64s" | "floats" | "doubles"]);
      if (packed.length > 0) span(packed);
    }
  }
}

/** Lists of numbers are packed: one length, then the elements. */
function packNumbers(
  values: Int32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array,
): Uint8Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return littleEndian(values);
  const packed = new Pieces();
  for (const value of values) packed.varint(BigInt(value));
  return packed.join();
}

const littleEndian = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Bytes in the making. Large arrays are kept as they are and copied once, in `join`. */
class Pieces {
  length = 0;
  private readonly pieces: Uint8Array[] = [];
  private small: number[] = [];

  varint(value: bigint): void {
    // Negative numbers have all their 64 bits written.
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.push(Number(rest & 127n) | 128);
    this.push(Number(rest));
  }

  bytes(bytes: Uint8Array): void {
    this.flush();
    this.pieces.push(bytes);
    this.length += bytes.length;
  }

  append(other: Pieces): void {
    this.flush();
    other.flush();
    for (const piece of other.pieces) this.pieces.push(piece);
    this.length += other.length;
  }

  join(): Uint8Array {
    this.flush();
    const result = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      result.set(piece, at);
      at += piece.length;
    }
    return result;
  }

  private push(byte: number): void {
    this.small.push(byte);
    this.length++;
  }

  private flush(): void {
    if (this.small.length === 0) return;
    this.pieces.push(Uint8Array.from(this.small));
    this.small = [];
  }
}
