/**
 * As much of a WebAssembly assembler as the kernels beside it need: instructions are byte sequences that are joined.
 * Opcodes: WebAssembly core specification 2.0, "Instructions", section "Vector Instructions".
 */

/** Instructions that leave one value on the stack, or none. */
export type Code = readonly number[];

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const byte = rest & 127;
    if ((rest >> 6 === 0 && (byte & 64) === 0) || (rest >> 6 === -1 && (byte & 64) !== 0))
      return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

const bytesOf = (values: ArrayBufferView): number[] => [
  ...new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
];
const vector = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, ...vector(opcode)];
const unary =
  (opcode: number) =>
  (a: Code): Code => [...a, ...vector(opcode)];
const shift =
  (opcode: number) =>
  (a: Code, by: number): Code => [...a, ...i32(by), ...vector(opcode)];

export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const addI32 = (a: Code, b: Code): Code => [...a, ...b, 0x6a];

/**
 * Vector constants as locals, set once before a loop: V8 would make one written inside anew at each turn, in three or
 * four instructions.
 */
export class Constants {
  private readonly values = new Map<string, Code>();

  /** @param first - the first local that is free. */
  constructor(private readonly first: number) {}

  private local(bytes: readonly number[]): Code {
    const key = bytes.join();
    if (!this.values.has(key)) this.values.set(key, bytes);
    return get(this.first + [...this.values.keys()].indexOf(key));
  }

  /** The same number in both lanes. */
  f64 = (value: number): Code => this.local(bytesOf(Float64Array.of(value, value)));
  i64 = (value: bigint): Code => this.local(bytesOf(BigInt64Array.of(value, value)));
  lanes = (...values: number[]): Code => this.local(bytesOf(Int32Array.from(values)));

  get count(): number {
    return this.values.size;
  }

  /** Sets all of them. */
  get code(): Code {
    return [...this.values.values()].flatMap((bytes, i) => set(this.first + i, [...vector(0x0c), ...bytes]));
  }
}

export const and = binary(0x4e);
export const or = binary(0x50);
export const xor = binary(0x51);
export const splat = unary(0x11);
export const addI32x4 = binary(0xae);
export const addI64x2 = binary(0xce);
export const subI64x2 = binary(0xd1);
export const shiftRightI64x2 = shift(0xcd);
/** The two low lanes as 64-bit numbers, sign kept. */
export const widen = unary(0xc7);
/** The full products of the two low, or two high lanes as uint32. */
export const productsLow = binary(0xde);
export const productsHigh = binary(0xdf);
export const add = binary(0xf0);
export const sub = binary(0xf1);
export const mul = binary(0xf2);
export const div = binary(0xf3);
export const sqrt = unary(0xef);
/** All bits set where a >= b. */
export const greaterOrEqual = binary(0x4c);
/** The two low int32, or uint32, lanes as float64. */
export const fromInt32 = unary(0xfe);
export const fromUint32 = unary(0xff);
/** Two float64 as float32 in the low lanes. */
export const toFloat32 = unary(0x5e);

/** Four 32-bit lanes of the eight that a (0..3) and b (4..7) have. */
export const pick = (a: Code, b: Code, order: readonly [number, number, number, number]): Code => [
  ...a,
  ...b,
  ...vector(0x0d),
  ...order.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)),
];

export const load = (address: Code, offset = 0): Code => [
  ...address,
  ...vector(0x00),
  4,
  ...unsigned(offset),
];
export const store = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  ...vector(0x0b),
  4,
  ...unsigned(offset),
];

/** Repeats `body` until it leaves `while_` at zero: the test comes last. */
export const loop = (body: Code, while_: Code): Code => [0x03, 0x40, ...body, ...while_, 0x0d, 0, 0x0b];
/** a < b as int32. */
export const less = (a: Code, b: Code): Code => [...a, ...b, 0x48];

/** A function of int32 parameters that returns nothing. Locals after the parameters: int32 first, then vectors. */
export interface Procedure {
  readonly name: string;
  readonly parameters: number;
  readonly integers: number;
  readonly vectors: number;
  readonly body: Code;
}

/** A module with one memory of a page (64 KiB), exported as "memory", and its procedures. */
export function assemble(procedures: readonly Procedure[]): Uint8Array<ArrayBuffer> {
  const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, content: Code): number[] => [id, ...unsigned(content.length), ...content];
  const name = (text: string): number[] => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
  const bodies = procedures.map(({ integers, vectors, body }): Code => {
    const code = [2, ...unsigned(integers), 0x7f, ...unsigned(vectors), 0x7b, ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      list(procedures.map(({ parameters }) => [0x60, parameters, ...Array(parameters).fill(0x7f), 0])),
    ),
    ...section(3, list(procedures.map((_, i) => [i]))),
    ...section(5, [1, 0, 1]),
    ...section(7, [
      procedures.length + 1,
      ...name("memory"),
      ...[2, 0],
      ...procedures.flatMap((p, i) => [...name(p.name), 0, i]),
    ]),
    ...section(10, list(bodies)),
  ]);
}
