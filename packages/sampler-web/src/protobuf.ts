/** Protobuf's wire format (https://protobuf.dev/programming-guides/encoding/), as far as an addition to a graph needs it. */

const VARINT = 0;
const BYTES = 2;

/** A field of a message: its number and its value; texts, bytes and messages have their length before them. */
export type Field = readonly [number: number, value: number | string | Uint8Array];

const utf8 = new TextEncoder();

/** A message of the fields in their order. */
export function message(...fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  return concatenate(
    fields.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number * 8 + VARINT), varint(value)];
      const bytes = typeof value === "string" ? utf8.encode(value) : value;
      return [varint(number * 8 + BYTES), varint(bytes.length), bytes];
    }),
  );
}

/** The pieces as one. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A whole number of 0 or more. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}
