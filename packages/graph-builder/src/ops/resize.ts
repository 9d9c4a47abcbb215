/** Images in other sizes. */
import { type Dim, evaluateDim, formatShape, isStatic, mulDims, type Shape } from "../dim.js";
import { apply, type Call, defineOp, type OpEntry } from "../op.js";
import { constant, int64s, type Tensor } from "../tensor.js";
import { add, mul } from "./arithmetic.js";
import { normalizeAxes } from "./axes.js";
import { gradientOf } from "./composed.js";
import { constantValues, dimsOf } from "./constants.js";
import { gather } from "./gather.js";
import { type ResizeRule, tapsOf } from "./resize-taps.js";

type Asked = Pick<Call, "inputs" | "attributes"> & { fail(message: string): never };

interface Target {
  readonly shape: Shape;
  /** Result's size over input's, for each axis, as the mode's formula takes it. */
  readonly scales: readonly number[];
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
    if (now === then) return 1;
    const [a, b] = [evaluateDim(now, new Map()), evaluateDim(then, new Map())];
    return a !== undefined && b !== undefined
      ? b / a
      : fail(`axis ${axis} of ${formatShape(shape)} has no known size; give scales`);
  });
  const common =
    policy === "not_larger" ? Math.min(...ratios) : policy === "not_smaller" ? Math.max(...ratios) : 0;
  const scales = shape.map(() => 1);
  const result = [...shape];
  axes.forEach((axis, i) => {
    const scale = common && sizes ? common : ratios[i]!;
    scales[axis] = scale;
    const size = shape[axis]!;
    if (scale === 1) return;
    if (sizes && !common) result[axis] = wanted[i] as Dim;
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
    const { shape, scales } = target({ inputs, attributes, fail });
    if (attributes.antialias) fail("no gradient with antialias; leave it out");
    const rule = attributes as Partial<ResizeRule>;
    if (attributes.coordinate_transformation_mode === "tf_crop_and_resize")
      fail("no gradient for the mode tf_crop_and_resize; crop with slice() and resize with another mode");
    return gradientOf(([x]) => interpolated(x!, shape, scales, rule, fail))(back);
  },
});

/** One axis after the other: each result is a weighted sum of elements gathered along it. */
function interpolated(
  x: Tensor,
  shape: Shape,
  scales: readonly number[],
  rule: Partial<ResizeRule>,
  fail: (message: string) => never,
): Tensor {
  return scales.reduce((t, scale, axis) => {
    const [size, wanted] = [x.shape[axis]!, shape[axis]!];
    if (scale === 1 && size === wanted) return t;
    if (!isStatic([size, wanted])) return fail(`axis ${axis} of ${formatShape(x.shape)} has no known size`);
    const taps = tapsOf(size as number, wanted as number, scale, rule);
    const along = x.shape.map((_, i) => (i === axis ? (wanted as number) : 1));
    return taps
      .map(({ indices, weights }) => {
        const taken = gather(t, int64s(indices), axis);
        return weights.every((w) => w === 1) ? taken : mul(taken, constant(x.dtype, along, weights));
      })
      .reduce((a, b) => add(a, b));
  }, x);
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
