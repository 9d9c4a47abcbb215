/**
 * Weights and batches by formula: the same bits as formula.py makes. Integers mod 2^32 and correctly rounded float64
 * only; README.md states the formula in words.
 */

/** FNV-1a of an ASCII name. */
function salt(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** uint32 [count]: murmur3's finalizer of (i * 2654435761) xor salt(name). */
function hashes(name: string, count: number): Uint32Array {
  const key = salt(name);
  return Uint32Array.from({ length: count }, (_, i) => {
    let h = Math.imul(i, 2654435761) ^ key;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  });
}

/** A hash as a float64 in [-1, 1): a multiple of 2^-23, so exact in float32 as well. */
const unit = (hash: number): number => (hash >>> 8) / 2 ** 23 - 1;

/** float64 [count] in [-1, 1). */
export const formulaUnits = (name: string, count: number): number[] => Array.from(hashes(name, count), unit);

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The starting value of a parameter or running statistic with PyTorch's path `path`. */
export function formulaWeight(path: string, shape: readonly number[]): Float32Array {
  const fanIn = Math.sqrt(product(shape.slice(1)));
  const nearOne = path.endsWith(".bn.weight") || path.endsWith(".running_var");
  const value = (u: number): number => (shape.length > 1 ? u / fanIn : nearOne ? 1 + 0.2 * u : 0.1 * u);
  return Float32Array.from(hashes(`weights/${path}`, product(shape)), (h) => value(unit(h)));
}

/** uint8 [count, channels, 32, 32]: random bytes on a 5x5 grid, bilinear between them in integer arithmetic. */
function formulaImages(name: string, count: number, channels = 3): Uint8Array {
  const grid = hashes(name, count * channels * 25).map((h) => h >>> 24);
  return Uint8Array.from({ length: count * channels * 1024 }, (_, i) => {
    const [plane, y, x] = [Math.floor(i / 1024), (i >> 5) & 31, i & 31];
    const [fy, fx] = [y & 7, x & 7];
    const corner = plane * 25 + (y >> 3) * 5 + (x >> 3);
    const top = (8 - fx) * grid[corner]! + fx * grid[corner + 1]!;
    const bottom = (8 - fx) * grid[corner + 5]! + fx * grid[corner + 6]!;
    return ((8 - fy) * top + fy * bottom) >> 6;
  });
}

/** float32 [count, channels, 32, 32] of variance 1, uniform. */
export function formulaNoise(name: string, count: number, channels = 3): Float32Array {
  return Float32Array.from(hashes(name, count * channels * 1024), (h) => Math.sqrt(3) * unit(h));
}

/** int32 [count] in from..from+below-1. */
export function formulaIntegers(name: string, count: number, below: number, from = 0): Int32Array {
  return Int32Array.from(hashes(name, count), (h) => from + (h % below));
}

export interface FormulaBatch {
  /** uint8 [count, 3, 32, 32]. */
  readonly images: Uint8Array;
  /** int32 [count] in 1..400. */
  readonly t: Int32Array;
  /** float32 [count, 3, 32, 32]. */
  readonly eps: Float32Array;
  /** int32 [count] in 0..9. A network without classes does not take them. */
  readonly labels: Int32Array;
}

/** The batch of step `index`; `variant` is element `index` of the file's tensor `variants`. */
export function formulaBatch(index: number, variant: number, count: number): FormulaBatch {
  const at = `batch${index}.${variant}`;
  return {
    images: formulaImages(`${at}/images`, count),
    t: formulaIntegers(`${at}/t`, count, 400, 1),
    eps: formulaNoise(`${at}/eps`, count),
    labels: formulaIntegers(`${at}/labels`, count, 10),
  };
}

/** What `<group>.digest/<path>` holds: the norm, the sum, and up to 64 values spread evenly over the tensor. */
export interface Digest {
  readonly norm: number;
  readonly sum: number;
  readonly values: readonly number[];
}

/** The digest of a tensor: values at floor(j * size / k), j = 0..k-1, k = min(64, size); sums in float64. */
export function digest(tensor: ArrayLike<number>): Digest {
  let [squares, sum] = [0, 0];
  for (let i = 0; i < tensor.length; i++) {
    squares += tensor[i]! * tensor[i]!;
    sum += tensor[i]!;
  }
  const k = Math.min(64, tensor.length);
  const values = Array.from({ length: k }, (_, j) => tensor[Math.floor((j * tensor.length) / k)]!);
  return { norm: Math.sqrt(squares), sum, values };
}

/** Reads a stored digest: float64 [2 + k] = norm, sum, values. */
export function readDigest(stored: ArrayLike<number>): Digest {
  const [norm, sum, ...values] = Array.from(stored);
  return { norm: norm!, sum: sum!, values };
}
