/** Pooling over windows of the axes after [N, C]. */
import { formatShape, isStatic, type Shape } from "../dim.js";
import { apply, type Call, defineOp, defineReading, type OpEntry } from "../op.js";
import { type Attributes, constant, type NodeSource, type Tensor } from "../tensor.js";
import { add, div, max, pow } from "./arithmetic.js";
import { gradientOf } from "./composed.js";
import { padAll } from "./pad.js";
import { reduceMax, reduceMean, reduceSum } from "./reduce.js";
import { slice } from "./slice.js";
import { abs } from "./unary.js";
import { type Windows, windowsOf } from "./windows.js";

const WINDOW_ATTRIBUTES = {
  auto_pad: "string",
  ceil_mode: "int",
  dilations: "ints",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

function windows({ input, attributes, fail }: Pick<Call, "input" | "attributes" | "fail">): Windows {
  const { shape } = input(0);
  const pixels = shape.slice(2);
  if (shape.length < 3 || !isStatic(pixels))
    return fail(`the input is ${formatShape(shape)}, expected [N, C, ...] with known sizes after C`);
  return windowsOf(pixels, attributes, fail);
}

const outputShape = (call: Call) => [...call.input(0).shape.slice(0, 2), ...windows(call).output];

/** An addition, a comparison or a power for each place of each window. */
function placesFlops({ outputs, attributes }: NodeSource, count: (shape: Shape) => number): number {
  return count(outputs[0]!.shape) * count(attributes.kernel_shape as readonly number[]);
}

const fail = (message: string): never => {
  throw new Error(message);
};

/** Each place of the window as an image of its own, [N, C, output...]. */
function placesOf(x: Tensor, { begin, end, places, steps }: Windows, outside: number): Tensor[] {
  const axes = begin.map((_, i) => i + 2);
  const padded = padAll(x, [0, 0, ...begin, 0, 0, ...end], outside);
  return places.map((starts) =>
    slice(padded, {
      axes,
      starts,
      ends: starts.map((s, i) => s + steps[i]!.reach),
      steps: steps.map((s) => s.stride),
    }),
  );
}

function averaged([x]: readonly (Tensor | undefined)[], attributes: Attributes): Tensor {
  const w = windows({ input: () => x!, attributes, fail });
  const sum = placesOf(x!, w, 0).reduce((a, b) => add(a, b));
  const counts = w.counts(Boolean(attributes.count_include_pad));
  return div(sum, constant(x!.dtype, [1, 1, ...w.output], counts));
}

const averagePoolOp: OpEntry = defineOp("AveragePool", {
  since: 19,
  attributes: { ...WINDOW_ATTRIBUTES, count_include_pad: "int" },
  infer: (call) => [{ dtype: call.input(0).dtype, shape: outputShape(call) }],
  flops: placesFlops,
  vjp: gradientOf(averaged),
});

const lpPoolOp: OpEntry = defineOp("LpPool", {
  since: 18,
  attributes: { ...WINDOW_ATTRIBUTES, p: "int" },
  infer: (call) => [{ dtype: call.input(0).dtype, shape: outputShape(call) }],
  flops: placesFlops,
  vjp: gradientOf(([x], attributes) => {
    const p = (attributes.p as number | undefined) ?? 2;
    const places = placesOf(pow(abs(x!), p), windows({ input: () => x!, attributes, fail }), 0);
    return pow(
      places.reduce((a, b) => add(a, b)),
      1 / p,
    );
  }),
});

const maxPoolOp: OpEntry = defineOp("MaxPool", {
  since: 12,
  attributes: { ...WINDOW_ATTRIBUTES, storage_order: "int" },
  infer: (call) =>
    [
      { dtype: call.input(0).dtype, shape: outputShape(call) },
      { dtype: "int64" as const, shape: outputShape(call) },
    ].slice(0, call.outputs),
  flops: placesFlops,
  // Where several are the largest, the first place of the window takes the gradient.
  vjp: gradientOf(([x], attributes) =>
    max(...placesOf(x!, windows({ input: () => x!, attributes, fail }), Number.NEGATIVE_INFINITY)),
  ),
});

/** The window of a pool and how it moves, in ONNX's names. */
export interface PoolOptions {
  /** Size of the window along each axis after [N, C]. */
  readonly kernel_shape: readonly number[];
  /** Default: 1 along each axis. */
  readonly strides?: readonly number[];
  /** Begins of all axes, then their ends. Default: none. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  /** Windows that begin inside the image but leave it count too. */
  readonly ceil_mode?: boolean;
}

const given = ({ ceil_mode, ...rest }: PoolOptions): Attributes => ({
  ...(rest as Attributes),
  ...(ceil_mode ? { ceil_mode: 1 } : {}),
});

/**
 * Means of windows of [N, C, ...]. https://onnx.ai/onnx/operators/onnx__AveragePool.html
 * Padding is left out of the means; with `count_include_pad` it counts as zeros.
 */
export const averagePool = (
  x: Tensor,
  { count_include_pad, ...options }: PoolOptions & { readonly count_include_pad?: boolean },
): Tensor =>
  apply(averagePoolOp, [x], { ...given(options), ...(count_include_pad ? { count_include_pad: 1 } : {}) });

/** Largest elements of windows of [N, C, ...]. https://onnx.ai/onnx/operators/onnx__MaxPool.html */
export const maxPool = (x: Tensor, options: PoolOptions): Tensor => apply(maxPoolOp, [x], given(options));

/** Everything after [N, C]. */
const pixelsOf = (x: Tensor) => ({
  axes: x.shape.flatMap((_, i) => (i >= 2 ? [i] : [])),
  keepdims: true,
});

/** Means of all pixels: [N, C, ...] -> [N, C, 1, ...]. */
export const globalAveragePool = (x: Tensor): Tensor => reduceMean(x, pixelsOf(x));

/** The largest of all pixels: [N, C, ...] -> [N, C, 1, ...]; the gradient is shared by those that tie. */
export const globalMaxPool = (x: Tensor): Tensor => reduceMax(x, pixelsOf(x));

/** The p-norms of all pixels: [N, C, ...] -> [N, C, 1, ...]. */
const globalLpPool = (x: Tensor, p: number): Tensor => pow(reduceSum(pow(abs(x), p), pixelsOf(x)), 1 / p);

/*#__NO_SIDE_EFFECTS__*/
function defineGlobalPool(name: string, pool: (x: Tensor, attributes: Attributes) => Tensor): OpEntry {
  return defineReading(name, {
    since: 1,
    attributes: name === "GlobalLpPool" ? { p: "int" } : {},
    read({ input, attributes, fail }) {
      const x = input(0);
      if (x.shape.length < 3) fail(`the input is ${formatShape(x.shape)}, expected [N, C, ...]`);
      return [pool(x, attributes)];
    },
  });
}

export const globalPools = [
  defineGlobalPool("GlobalAveragePool", globalAveragePool),
  defineGlobalPool("GlobalMaxPool", globalMaxPool),
  defineGlobalPool("GlobalLpPool", (x, { p = 2 }) => globalLpPool(x, p as number)),
];

export default [averagePoolOp, lpPoolOp, maxPoolOp];
