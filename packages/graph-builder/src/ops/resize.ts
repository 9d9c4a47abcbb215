/** Images in other sizes. */
import { type Dim, exactDiv, formatShape, mulDims, type Shape, sizeOf } from "../dim.js";
import { apply, type Call, defineOp, type OpEntry } from "../op.js";
import { constant, int64s, type Tensor } from "../tensor.js";
import { normalizeAxes } from "./axes.js";
import { gradientOf } from "./composed.js";
import { constantValues, dimsOf } from "./constants.js";
import { expand } from "./expand.js";
import { gemm, matmul } from "./matmul.js";
import { reshape } from "./reshape.js";
import { type ResizeRule, repeatsElements, type Tap, tapsOf } from "./resize-taps.js";

type Asked = Pick<Call, "inputs" | "attributes"> & { fail(message: string): never };

interface Target {
  readonly shape: Shape;
  /** Result's size over input's, for each axis, as the mode's formula takes it; undefined where that is not known. */
  readonly scales: readonly (number | undefined)[];
}

/** What a node asks for: sizes or scales, of all axes or of some. */
function target({ inputs, attributes, fail }: Asked): Target {
  const { shape } = inputs[0]!;
  const axes = attributes.axes
    ? normalizeAxes(attributes.axes as readonly number[], shape, fail)
    : shape.map((_, i) => i);
  const sizes = dimsOf(inputs[3]);
  const factors = constantValues(inputs[2]);
  const wanted: readonly (Dim | number)[] | undefined = sizes ?? (factors?.length ? factors : undefined);
  if (!wanted && (inputs[2] || inputs[3]))
    return fail("the sizes or scales are computed when the graph runs; give them as a constant");
  if (!wanted || wanted.length !== axes.length)
    return fail(
      `expected ${axes.length} constant sizes or scales for ${formatShape(shape)}, found ${wanted?.length ?? "none"}`,
    );
  const policy = attributes.keep_aspect_ratio_policy ?? "stretch";
  const ratios = axes.map((axis, i) => {
    if (!sizes) return wanted[i] as number;
    const [now, then] = [shape[axis]!, wanted[i]!];
    if (typeof now === "number" && typeof then === "number") return then / now;
    const times = exactDiv(then, now);
    return typeof times === "number" ? times : undefined;
  });
  const known = ratios.filter((ratio) => ratio !== undefined);
  if (policy !== "stretch" && known.length < ratios.length)
    fail(`an axis of ${formatShape(shape)} has no known size; give scales`);
  const common =
    policy === "not_larger" ? Math.min(...known) : policy === "not_smaller" ? Math.max(...known) : 0;
  const scales: (number | undefined)[] = shape.map(() => 1);
  const result = [...shape];
  axes.forEach((axis, i) => {
    const scale = common && sizes ? common : ratios[i]!;
    scales[axis] = scale;
    const size = shape[axis]!;
    if (scale === 1) return;
    if (scale === undefined || (sizes && !common)) result[axis] = wanted[i] as Dim;
    else if (typeof size === "number")
      result[axis] = common ? Math.round(size * scale) : Math.floor(size * scale);
    else if (Number.isInteger(scale)) result[axis] = mulDims(size, scale);
    else fail(`axis ${axis} of ${formatShape(shape)} has no known size, so ${scale} times it has none`);
  });
  return { shape: result, scales };
}

const resizeOp: OpEntry = defineOp("Resize", {
  since: 19,
  attributes: {
    antialias: "int",
    axes: "ints",
    coordinate_transformation_mode: "string",
    cubic_coeff_a: "float",
    exclude_outside: "int",
    extrapolation_value: "float",
    keep_aspect_ratio_policy: "string",
    mode: "string",
    nearest_mode: "string",
  },
  infer(call) {
    const { inputs, fail } = call;
    if (inputs[2] && inputs[2].dtype !== "float32")
      fail(`the scales are ${inputs[2].dtype}, expected float32; convert them with cast()`);
    return [{ dtype: call.input(0).dtype, shape: target(call).shape }];
  },
  vjp(back) {
    const { attributes, fail, inputs } = back;
    const wanted = target({ inputs, attributes, fail });
    if (attributes.antialias) fail("no gradient with antialias; leave it out");
    const rule = attributes as Partial<ResizeRule>;
    if (attributes.coordinate_transformation_mode === "tf_crop_and_resize")
      fail("no gradient for the mode tf_crop_and_resize; crop with slice() and resize with another mode");
    return gradientOf(([x]) => interpolated(x!, wanted, rule, fail))(back);
  },
});

/** One axis after the other. */
function interpolated(
  x: Tensor,
  { shape, scales }: Target,
  rule: Partial<ResizeRule>,
  fail: (message: string) => never,
): Tensor {
  return shape.reduce<Tensor>((t, wanted, axis) => {
    const [size, scale] = [x.shape[axis]!, scales[axis]];
    if (scale === 1 && size === wanted) return t;
    if (scale !== undefined && repeatsElements(scale, rule)) return repeated(t, axis, scale);
    if (typeof size !== "number" || typeof wanted !== "number" || scale === undefined)
      return fail(
        `no gradient along axis ${axis} of ${formatShape(x.shape)}, whose size is not known; resize by whole numbers to the nearest neighbours`,
      );
    return mixed(t, axis, matrixOf(tapsOf(size, wanted, scale, rule), size, x));
  }, x);
}

/** Each element of an axis a number of times. */
function repeated(t: Tensor, axis: number, times: number): Tensor {
  const [before, size, after] = [t.shape.slice(0, axis), t.shape[axis]!, t.shape.slice(axis + 1)];
  const apart = reshape(t, [...before, size, 1, ...after]);
  const spread = expand(apart, [...before, size, times, ...after], [t]);
  return reshape(spread, [...before, mulDims(size, times), ...after]);
}

/** [wanted, size]: how much of each element goes into each result. */
function matrixOf(taps: readonly Tap[], size: number, { dtype }: Tensor): Tensor {
  const wanted = taps[0]!.indices.length;
  const values = new Array<number>(wanted * size).fill(0);
  for (const { indices, weights } of taps) {
    indices.forEach((index, i) => {
      values[i * size + index]! += weights[i]!;
    });
  }
  return constant(dtype, [wanted, size], values);
}

/** The matrix times the tensor along an axis. */
function mixed(t: Tensor, axis: number, matrix: Tensor): Tensor {
  const [before, size, after] = [t.shape.slice(0, axis), t.shape[axis]!, t.shape.slice(axis + 1)];
  const shape = [...before, matrix.shape[0]!, ...after];
  if (after.length === 0)
    return reshape(gemm(reshape(t, [sizeOf(before), size]), matrix, { transB: 1 }), shape);
  return reshape(matmul(matrix, reshape(t, [sizeOf(before), size, sizeOf(after)])), shape);
}

/** The size wanted, and ONNX's rules of interpolation. */
export interface ResizeOptions extends Partial<ResizeRule> {
  /** Size of each axis afterwards over that before. */
  readonly scales?: readonly number[];
  /** Sizes of all axes afterwards, instead of scales. */
  readonly sizes?: readonly number[];
}

/**
 * Resizes by interpolation. https://onnx.ai/onnx/operators/onnx__Resize.html
 *
 * Twice the height and width of [N,C,H,W], each pixel four times: `{ scales: [1, 1, 2, 2],
 * coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }`.
 */
export function resize(x: Tensor, { scales, sizes, ...rule }: ResizeOptions): Tensor {
  const roi = undefined;
  const inputs = sizes
    ? [x, roi, undefined, int64s(sizes)]
    : [x, roi, scales && constant("float32", [scales.length], scales)];
  return apply(resizeOp, inputs, { ...rule });
}

export default [resizeOp];
