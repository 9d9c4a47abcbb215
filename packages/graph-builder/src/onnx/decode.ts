/**
 * Protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) -> messages. Files come from anywhere:
 * every length is checked against the message that it lies in, nesting and the number of parts are bounded, and
 * numbers are kept as packed arrays, so that a file gets no more memory than a small multiple of its size.
 */
import { GraphError } from "../errors.js";
import type { Field, Schema, Values } from "./schema.js";

/** Protobuf's own limit in C++ and Java, so every other reader of ONNX stops there too. */
const DEEPEST = 100;
/** Messages and texts in one file. Large networks have some 10^4 nodes of a dozen parts each. */
const MOST_PARTS = 1_000_000;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

type NumberList = Values["int32s" | "int64s" | "uint64s" | "floats" | "doubles"];

/** How the elements of each list of numbers lie in the file. */
const LISTS = {
  int32s: { array: Int32Array, wire: VARINT },
  int64s: { array: BigInt64Array, wire: VARINT },
  uint64s: { array: BigUint64Array, wire: VARINT },
  floats: { array: Float32Array, wire: FIXED32 },
  doubles: { array: Float64Array, wire: FIXED64 },
} as const;

const WIRE = {
  string: BYTES,
  bytes: BYTES,
  int32: VARINT,
  int64: VARINT,
  float: FIXED32,
  strings: BYTES,
  byteses: BYTES,
  message: BYTES,
  messages: BYTES,
} as const;

/** @throws GraphError saying what is damaged and at which byte. */
export function decode<T>(schema: Schema<T>, bytes: Uint8Array): T {
  return new Decoder(bytes).message(schema as Schema<never>, bytes.length, 1) as T;
}

class Decoder {
  private at = 0;
  private parts = 0;
  /** The last varint: its lower and upper 32 bits. */
  private low = 0;
  private high = 0;
  private readonly view: DataView;
  private readonly utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  message(schema: Schema<never>, end: number, depth: number): object {
    if (depth > DEEPEST)
      this.fail(`messages lie ${DEEPEST} deep in each other, which is protobuf's limit; nest less`);
    this.count();
    const result: Record<string, unknown> = {};
    let lists: Map<string, Growing> | undefined;
    while (this.at < end) {
      this.varint(end);
      const [number, wire] = [this.low >>> 3, this.low & 7];
      if (number === 0 || this.high > 0) this.fail(`${schema.name} has a field without a number`);
      const field = schema.byNumber.get(number);
      if (!field) {
        this.skip(wire, end);
        continue;
      }
      const where = `${schema.name}.${field.key}`;
      if (field.kind in LISTS) {
        const kind = field.kind as keyof typeof LISTS;
        lists ??= new Map();
        const list = lists.get(field.key) ?? new Growing(kind);
        lists.set(field.key, list);
        this.numbers(list, LISTS[kind].wire, wire, end, where);
        continue;
      }
      const expected = WIRE[field.kind as keyof typeof WIRE];
      if (wire !== expected) this.fail(`${where} has wire type ${wire}, expected ${expected}`);
      this.value(result, field, end, depth, where);
    }
    for (const [key, list] of lists ?? []) result[key] = list.finish();
    return result;
  }

  private value(
    result: Record<string, unknown>,
    { key, kind, schema }: Field,
    end: number,
    depth: number,
    where: string,
  ): void {
    switch (kind) {
      case "int32":
        this.varint(end);
        result[key] = this.low | 0;
        return;
      case "int64":
        this.varint(end);
        result[key] = this.signed();
        return;
      case "float":
        result[key] = this.view.getFloat32(this.advance(4, end, where), true);
        return;
      case "string":
        result[key] = this.text(end, where);
        return;
      case "bytes":
        result[key] = this.span(end, where);
        return;
      case "strings":
        push(result, key, this.text(end, where));
        return;
      case "byteses":
        this.count();
        push(result, key, this.span(end, where));
        return;
      case "message":
        if (key in result) this.fail(`${where} is there twice`);
        result[key] = this.message(schema!(), this.length(end, where), depth + 1);
        return;
      case "messages":
        push(result, key, this.message(schema!(), this.length(end, where), depth + 1));
    }
  }

  /** A list's elements come singly or packed, and in several pieces. */
  private numbers(list: Growing, element: number, wire: number, end: number, where: string): void {
    if (wire !== element && wire !== BYTES)
      this.fail(`${where} has wire type ${wire}, expected ${element} or ${BYTES}`);
    const stop = wire === BYTES ? this.length(end, where) : undefined;
    if (stop !== undefined) list.reserve(this.elements(element, stop));
    do {
      if (stop !== undefined && this.at === stop) return;
      list.push(this.number(list.kind, stop ?? end, where));
    } while (stop !== undefined);
  }

  /** How many numbers lie between here and `stop`: a varint has one byte without the continuation bit. */
  private elements(wire: number, stop: number): number {
    if (wire !== VARINT) return Math.ceil((stop - this.at) / (wire === FIXED32 ? 4 : 8));
    let count = 0;
    for (let i = this.at; i < stop; i++) if (this.bytes[i]! < 128) count++;
    return count;
  }

  private number(kind: keyof typeof LISTS, end: number, where: string): number | bigint {
    if (kind === "floats") return this.view.getFloat32(this.advance(4, end, where), true);
    if (kind === "doubles") return this.view.getFloat64(this.advance(8, end, where), true);
    this.varint(end);
    return kind === "int32s" ? this.low | 0 : this.signed();
  }

  private signed(): bigint {
    // Small numbers, as nearly all are, without arithmetic on big ones.
    if (this.high === 0) return BigInt(this.low);
    return (BigInt(this.high | 0) << 32n) | BigInt(this.low);
  }

  private varint(end: number): void {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) this.fail("a number is cut off");
      const byte = this.bytes[this.at++]!;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else if (byte > 1) break;
      else high |= bits << 31;
      if (byte < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    this.fail("a number has more than 64 bits");
  }

  /** Reads a length. @returns the end of what it measures. */
  private length(end: number, where: string): number {
    this.varint(end);
    const length = this.high * 2 ** 32 + this.low;
    if (length > end - this.at)
      this.fail(`${where} should be ${length} bytes long, ${end - this.at} are left`);
    return this.at + length;
  }

  private span(end: number, where: string): Uint8Array {
    const stop = this.length(end, where);
    const span = this.bytes.subarray(this.at, stop);
    this.at = stop;
    return span;
  }

  private text(end: number, where: string): string {
    this.count();
    const span = this.span(end, where);
    try {
      return this.utf8.decode(span);
    } catch {
      return this.fail(`${where} is no UTF-8 text`);
    }
  }

  private advance(size: number, end: number, where: string): number {
    if (size > end - this.at) this.fail(`${where} is cut off`);
    this.at += size;
    return this.at - size;
  }

  private skip(wire: number, end: number): void {
    if (wire === VARINT) this.varint(end);
    else if (wire === FIXED64) this.advance(8, end, "a number");
    else if (wire === BYTES) this.at = this.length(end, "a field");
    else if (wire === FIXED32) this.advance(4, end, "a number");
    else this.fail(`found wire type ${wire}, expected 0, 1, 2 or 5`);
  }

  private count(): void {
    if (++this.parts > MOST_PARTS)
      this.fail(`the file has more than ${MOST_PARTS.toLocaleString("en")} parts; split the model`);
  }

  private fail(message: string): never {
    throw new GraphError(
      `not an ONNX model: the file is damaged or of another kind (${message}, at byte ${this.at}); export it again`,
    );
  }
}

function push(result: Record<string, unknown>, key: string, value: unknown): void {
  const list = result[key] as unknown[] | undefined;
  if (list) list.push(value);
  else result[key] = [value];
}

/** A typed array that grows. */
class Growing {
  private array: NumberList | undefined;
  private size = 0;

  constructor(readonly kind: keyof typeof LISTS) {}

  reserve(more: number): void {
    if (this.array && this.size + more <= this.array.length) return;
    const larger = new LISTS[this.kind].array(Math.max(this.size + more, this.size * 2));
    if (this.array) larger.set(this.array as never);
    this.array = larger;
  }

  push(value: number | bigint): void {
    this.reserve(1);
    this.array![this.size++] = value as never;
  }

  finish(): NumberList {
    this.reserve(0);
    return this.size === this.array!.length ? this.array! : this.array!.slice(0, this.size);
  }
}
