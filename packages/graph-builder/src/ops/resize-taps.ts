/** Which elements an interpolation along one axis takes, and how much of each: ONNX's formulas for Resize. */

export interface ResizeRule {
  /** Default: nearest. */
  readonly mode: "nearest" | "linear" | "cubic";
  /** Where a result's element lies on the input's axis. Default: half_pixel. */
  readonly coordinate_transformation_mode:
    | "half_pixel"
    | "half_pixel_symmetric"
    | "pytorch_half_pixel"
    | "align_corners"
    | "asymmetric";
  /** Which neighbour is nearest. Default: round_prefer_floor. */
  readonly nearest_mode: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
  /** Keys' coefficient (1981). Default: -0.75. */
  readonly cubic_coeff_a: number;
  /** 1: weights outside the input are left out and the others scaled to sum 1. Default: 0. */
  readonly exclude_outside: number;
}

/** For each result one element and its weight; the sum over the taps is the result. */
export interface Tap {
  readonly indices: number[];
  readonly weights: number[];
}

/** Whether each element comes a whole number of times in a row, whatever the axis's size. */
export function repeatsElements(scale: number, rule: Partial<ResizeRule>): boolean {
  if (!Number.isInteger(scale) || (rule.mode ?? "nearest") !== "nearest") return false;
  // The places of other modes depend on the scale alone.
  if (rule.coordinate_transformation_mode === "align_corners") return false;
  const [{ indices }] = tapsOf(3, 3 * scale, scale, rule) as [Tap];
  return indices.every((index, i) => index === Math.floor(i / scale));
}

/** @param scale - result's size over input's, as asked for. */
export function tapsOf(size: number, wanted: number, scale: number, rule: Partial<ResizeRule>): Tap[] {
  const { mode = "nearest" } = rule;
  const places = Array.from({ length: wanted }, (_, i) => place(i, size, wanted, scale, rule));
  const inside = (i: number) => Math.min(size - 1, Math.max(0, i));
  if (mode === "nearest") {
    const indices = places.map((at) => inside(nearest(at, rule.nearest_mode ?? "round_prefer_floor")));
    return [{ indices, weights: indices.map(() => 1) }];
  }
  const offsets = mode === "linear" ? [0, 1] : [-1, 0, 1, 2];
  const weight =
    mode === "linear" ? (d: number) => 1 - d : (d: number) => keys(d, rule.cubic_coeff_a ?? -0.75);
  const exclude = mode === "cubic" && rule.exclude_outside === 1;
  const rows = places.map((at) => {
    const base = Math.floor(at);
    const taps = offsets.map((offset) => {
      const index = base + offset;
      const outside = index < 0 || index >= size;
      return { index: inside(index), weight: exclude && outside ? 0 : weight(Math.abs(at - index)) };
    });
    const sum = exclude ? taps.reduce((total, tap) => total + tap.weight, 0) : 1;
    return taps.map((tap) => ({ ...tap, weight: tap.weight / sum }));
  });
  return offsets.map((_, k) => ({
    indices: rows.map((row) => row[k]!.index),
    weights: rows.map((row) => row[k]!.weight),
  }));
}

function place(i: number, size: number, wanted: number, scale: number, rule: Partial<ResizeRule>): number {
  switch (rule.coordinate_transformation_mode ?? "half_pixel") {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      const adjustment = wanted / (scale * size);
      const offset = (size / 2) * (1 - adjustment);
      return offset + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return wanted > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return wanted === 1 ? 0 : (i * (size - 1)) / (wanted - 1);
    case "asymmetric":
      return i / scale;
  }
}

function nearest(at: number, mode: ResizeRule["nearest_mode"]): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(at - 0.5);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
  }
}

/** Cubic convolution: Keys, "Cubic convolution interpolation for digital image processing" (1981), equation 15. */
function keys(d: number, a: number): number {
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}
