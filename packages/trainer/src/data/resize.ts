/**
 * Bilinear resizing of planes as torchvision's `Resize` does it after `ToTensor`: pixel centres at half
 * integers (`align_corners=False`), and a triangle filter widened by the scale where an image shrinks
 * (`antialias=True`). Where an image grows the filter is one source pixel wide, so antialiasing changes nothing.
 * Source: ATen/native/cpu/UpSampleKernel.cpp, `_compute_indices_weights_aa`.
 *
 * torchvision keeps the float result; here it is rounded to uint8 again, so that a batch is a quarter of the bytes
 * and one integer tensor says exactly what was fed. A value moves by at most 0.5/255 of the pixel range.
 */

/** The source pixels of each output pixel along one axis: `count` weights from `start[i]` on. */
export interface Taps {
  readonly start: Int32Array;
  /** [output, count]; each row sums to 1. */
  readonly weights: Float64Array;
  readonly count: number;
}

/** The taps that resize an axis of `input` pixels to `output` pixels. */
export function bilinearTaps(input: number, output: number): Taps {
  const scale = input / output;
  const support = Math.max(1, scale);
  const rows: { start: number; weights: number[] }[] = [];
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(input, Math.trunc(centre + support + 0.5));
    const weights: number[] = [];
    for (let p = start; p < end; p++) weights.push(Math.max(0, 1 - Math.abs(p + 0.5 - centre) / support));
    const sum = weights.reduce((a, b) => a + b, 0);
    rows.push({ start, weights: weights.map((w) => w / sum) });
  }
  // One count for all rows, so that the inner loop is the same everywhere: short rows get weights of 0, on the
  // left where the right would leave the image.
  const count = Math.max(...rows.map((row) => row.weights.length));
  const taps = { start: new Int32Array(output), weights: new Float64Array(output * count), count };
  rows.forEach((row, i) => {
    const start = Math.min(row.start, input - count);
    taps.start[i] = start;
    taps.weights.set(row.weights, i * count + row.start - start);
  });
  return taps;
}

export interface PlaneSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Resizes uint8 planes [n,H,W] to [n,H',W'], bilinearly in float64, rounded half up; the same array at the same size.
 *
 * Only the columns of a row that hold ink are computed (black stays black), which halves the time for handwriting.
 */
export function resizePlanes(planes: Uint8Array, from: PlaneSize, to: PlaneSize): Uint8Array {
  if (from.height === to.height && from.width === to.width) return planes;
  const area = from.height * from.width;
  const n = planes.length / area;
  const out = new Uint8Array(n * to.height * to.width);
  const rows = bilinearTaps(from.height, to.height);
  const columns = bilinearTaps(from.width, to.width);
  const touched = touchedOutputs(columns, from.width);
  const left = new Int32Array(from.height);
  const right = new Int32Array(from.height);
  const line = new Float64Array(from.width);
  for (let i = 0; i < n; i++) {
    findInk(planes, i * area, from, left, right);
    for (let y = 0; y < to.height; y++) {
      const top = rows.start[y]!;
      let first = from.width;
      let last = 0;
      for (let t = top; t < top + rows.count; t++) {
        if (left[t]! < first) first = left[t]!;
        if (right[t]! > last) last = right[t]!;
      }
      if (first >= last) continue;
      line.fill(0);
      for (let t = 0; t < rows.count; t++) {
        const weight = rows.weights[y * rows.count + t]!;
        const row = i * area + (top + t) * from.width;
        for (let x = first; x < last; x++) line[x]! += weight * planes[row + x]!;
      }
      const at = (i * to.height + y) * to.width;
      for (let x = touched.first[first]!; x < touched.end[last]!; x++) {
        const source = columns.start[x]!;
        const weight = x * columns.count;
        let sum = 0.5;
        for (let t = 0; t < columns.count; t++) sum += columns.weights[weight + t]! * line[source + t]!;
        out[at + x] = sum | 0;
      }
    }
  }
  return out;
}

/** For each row of the image at `offset`, the columns `left..right-1` outside which all is 0 (W..0 if all is). */
function findInk(
  planes: Uint8Array,
  offset: number,
  size: PlaneSize,
  left: Int32Array,
  right: Int32Array,
): void {
  for (let y = 0; y < size.height; y++) {
    const row = offset + y * size.width;
    let first = 0;
    let last = size.width;
    while (first < last && planes[row + first] === 0) first++;
    if (first === last) last = 0;
    while (last > first && planes[row + last - 1] === 0) last--;
    left[y] = first;
    right[y] = last;
  }
}

/** first[p]: the first output that sees source pixel p or a later one; end[p]: one past the last that sees p-1. */
function touchedOutputs(taps: Taps, input: number): { first: Int32Array; end: Int32Array } {
  const outputs = taps.start.length;
  const first = new Int32Array(input + 1);
  const end = new Int32Array(input + 1);
  for (let p = 0; p <= input; p++) {
    let a = 0;
    while (a < outputs && taps.start[a]! + taps.count <= p) a++;
    let b = outputs;
    while (b > 0 && taps.start[b - 1]! >= p) b--;
    first[p] = a;
    end[p] = b;
  }
  return { first, end };
}
