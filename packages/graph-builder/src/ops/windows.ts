/** The geometry of windows that move over an image: Conv's and the pools' attributes in numbers. */
import type { Dim } from "../dim.js";
import type { Attributes } from "../tensor.js";

export interface Windows {
  /** Number of windows along each axis. */
  readonly output: readonly number[];
  /** What is put before and after the image along each axis so that every window is whole. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  /** The corner of each place of the window in the padded image, the last axis fastest. */
  readonly places: readonly (readonly number[])[];
  /** Along each axis: from window to window, and from the first window's start to just after the last one's. */
  readonly steps: readonly { readonly stride: number; readonly reach: number }[];
  /** How many elements each window has: of the image alone, or of its explicit padding too. */
  counts(withPadding: boolean): number[];
}

/** @throws by `fail` for attributes that do not fit the image, or windows larger than it. */
export function windowsOf(
  image: readonly number[],
  attributes: Attributes,
  fail: (message: string) => never,
): Windows {
  const rank = image.length;
  const ints = (name: string, usual: number, length = rank): readonly number[] => {
    const values = (attributes[name] as readonly number[] | undefined) ?? Array<number>(length).fill(usual);
    if (values.length === length) return values;
    return fail(`${name} has ${values.length} numbers, expected ${length} for an image of ${rank} axes`);
  };
  const kernel = ints("kernel_shape", 0);
  const strides = ints("strides", 1);
  const dilations = ints("dilations", 1);
  const pads = ints("pads", 0, 2 * rank);
  const ceil = attributes.ceil_mode === 1;
  const axes = image.map((size, i) => {
    const whole = dilations[i]! * (kernel[i]! - 1) + 1;
    const stride = strides[i]!;
    const mode = String(attributes.auto_pad ?? "NOTSET");
    const [before, after] = padsOf(mode, size, whole, stride, [pads[i]!, pads[i + rank]!], fail);
    const room = (size + before + after - whole) / stride;
    let count = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    // A window that would begin in the padding at the end is none.
    if (ceil && (count - 1) * stride >= size + before) count--;
    if (!(count >= 1))
      fail(`a window of ${whole} does not fit axis ${i + 2} of size ${size} with its padding`);
    return { size, whole, stride, before, after, count };
  });
  return {
    output: axes.map(({ count }) => count),
    begin: axes.map(({ before }) => before),
    end: axes.map(({ size, whole, stride, before, count }) =>
      Math.max(0, (count - 1) * stride + whole - size - before),
    ),
    places: product(kernel.map((k, i) => Array.from({ length: k }, (_, j) => j * dilations[i]!))),
    steps: axes.map(({ stride, count }) => ({ stride, reach: (count - 1) * stride + 1 })),
    counts(withPadding) {
      const along = axes.map(({ size, stride, before, after, count }, i) =>
        Array.from({ length: count }, (_, w) => {
          const start = w * stride - before;
          const [low, high] = withPadding ? [-before, size + after] : [0, size];
          let n = 0;
          for (let j = 0; j < kernel[i]!; j++) {
            const at = start + j * dilations[i]!;
            if (at >= low && at < high) n++;
          }
          return n;
        }),
      );
      return product(along).map((ns) => ns.reduce((a, b) => a * b, 1));
    },
  };
}

/**
 * What goes before and after an axis: ONNX's auto_pad "SAME_*" makes as many windows as there are strides in the axis.
 * @param whole - the reach of a window.
 * @throws by `fail` where that depends on a size that is not known.
 */
export function padsOf(
  mode: string,
  size: Dim,
  whole: number,
  stride: number,
  explicit: readonly [number, number],
  fail: (message: string) => never,
): readonly [number, number] {
  if (mode === "VALID") return [0, 0];
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER") return explicit;
  if (stride === 1) return halves(mode, whole - 1);
  if (typeof size !== "number") return fail(`auto_pad ${mode} needs known sizes, found ${size}; give pads`);
  return halves(mode, Math.max((Math.ceil(size / stride) - 1) * stride + whole - size, 0));
}

/** The larger half at the end for SAME_UPPER, else at the start. */
export function halves(mode: string, total: number): readonly [number, number] {
  const less = Math.floor(total / 2);
  return mode === "SAME_UPPER" ? [less, total - less] : [total - less, less];
}

/** All choices of one from each list, the last list fastest. */
const product = (lists: readonly (readonly number[])[]): number[][] =>
  lists.reduce<number[][]>((heads, list) => heads.flatMap((head) => list.map((v) => [...head, v])), [[]]);
