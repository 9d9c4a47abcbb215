/** Floating-point numbers of 16 bits, which JavaScript has no array for. */

const scratch = new DataView(new ArrayBuffer(4));

/** The number that bfloat16's bits stand for. */
export function fromBfloat16(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}

/** The bits of a number in bfloat16, rounded to nearest, ties to even. */
export function toBfloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The bits of a number in IEEE 754 binary16, rounded to nearest, ties to even. */
export function toHalf(value: number): number {
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

/** The number that binary16's bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** By a rule, the numbers of all 65536 patterns of bits. */
const tables = new Map<(bits: number) => number, Float32Array>();

/** The numbers that bits stand for, by the rule for one of them ({@link fromHalf}, {@link fromBfloat16}). */
export function widened(bits: Uint16Array, rule: (bits: number) => number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  const table = tables.get(rule) ?? Float32Array.from({ length: 2 ** 16 }, (_, i) => rule(i));
  tables.set(rule, table);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!;
  return out;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
