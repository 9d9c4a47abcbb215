import { addDims, type Dim, floorDiv, type Shape, subDims } from "../dim.js";
import { apply, type Call, defineOp } from "../op.js";
import { int64s, type NodeSource, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { constantValues, dimsOf } from "./constants.js";
import { pad } from "./pad.js";
import { reshape } from "./reshape.js";
import { dimTensor } from "./shape.js";

interface Range {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

const sliceOp = defineOp("Slice", {
  since: 13,
  infer(call) {
    const x = call.input(0);
    const ranges = rangesOf(call, x.shape, call.fail);
    const shape = x.shape.map((dim, axis) => {
      const range = ranges.find((r) => r.axis === axis);
      return range ? lengthOf(range) : dim;
    });
    return [{ dtype: x.dtype, shape }];
  },
  dims(node, of) {
    const values = of(0);
    if (node.outputs[0]!.shape.length !== 1) return undefined;
    const [range] = rangesOf(node, node.inputs[0]!.shape);
    if (!values || !range || typeof range.start !== "number" || typeof range.end !== "number")
      return undefined;
    return range.step === 1 ? values.slice(range.start, range.end) : undefined;
  },
  vjp(back) {
    const x = back.input(0);
    let grad = back.grad;
    for (const range of rangesOf(back, x.shape, back.fail)) grad = spread(grad, range, x, back.fail);
    return [grad, undefined, undefined, undefined, undefined];
  },
});

/** Start, end and step of each sliced axis, clamped to the axis as ONNX has it. */
function rangesOf(node: Pick<NodeSource, "inputs">, shape: Shape, fail: Call["fail"] = bug): Range[] {
  const starts =
    dimsOf(node.inputs[1]) ?? fail("the starts are computed when the graph runs; give constants");
  const ends = dimsOf(node.inputs[2]) ?? fail("the ends are computed when the graph runs; give constants");
  const axes = node.inputs[3] ? constantValues(node.inputs[3]) : starts.map((_, i) => i);
  const steps = node.inputs[4] ? constantValues(node.inputs[4]) : starts.map(() => 1);
  if (!axes || !steps) return fail("axes and steps must be constants");
  return starts.map((start, i) => {
    const axis = normalizeAxis(axes[i]!, shape.length, fail);
    const [size, step, end] = [shape[axis]!, steps[i]!, ends[i]!];
    if (step === 0) fail("a step is 0; expected a positive or negative whole number");
    const [low, high] = step > 0 ? [0, size] : [-1, subDims(size, 1)];
    return {
      axis,
      step,
      start: clamp(start, size, 0, high),
      end: clamp(end, size, low, step > 0 ? size : high),
    };
  });
}

const bug = (message: string): never => {
  throw new Error(message);
};

/** Counts a position from the start and keeps it within low..high; names compare as text does: equal or unknown. */
function clamp(position: Dim, size: Dim, low: number, high: Dim): Dim {
  if (typeof position === "string") return position;
  if (typeof size === "number") {
    const at = position < 0 ? position + size : position;
    return Math.min(Math.max(at, low), high as number);
  }
  // ONNX writes "to the end" as a huge number, "from the end" as a negative one.
  if (position >= 2 ** 31 - 1) return high;
  if (position <= 1 - 2 ** 31) return low;
  return position < 0 ? (subDims(size, -position) as Dim) : position;
}

function lengthOf({ start, end, step }: Range): Dim {
  const distance = step > 0 ? subDims(end, start) : subDims(start, end);
  const stride = Math.abs(step);
  const length = stride === 1 ? distance : floorDiv(subDims(distance, 1 - stride), stride);
  return typeof length === "number" ? Math.max(length, 0) : length;
}

/** The gradient of one sliced axis: reverse, insert step-1 zeros between the elements, pad to the axis. */
function spread(grad: Tensor, { axis, start, end, step }: Range, x: Tensor, fail: Call["fail"]): Tensor {
  const length = grad.shape[axis]!;
  const size = x.shape[axis]!;
  const stride = Math.abs(step);
  let wide = step < 0 ? slice(grad, { starts: [-1], ends: [1 - 2 ** 31], axes: [axis], steps: [-1] }) : grad;
  const at = (shape: Shape, ...dims: Dim[]) => [...shape.slice(0, axis), ...dims, ...shape.slice(axis + 1)];
  if (stride > 1) {
    if (typeof length !== "number")
      return fail(`no gradient for a step of ${step} along the named size ${length}; give the size a number`);
    const padded = pad(reshape(wide, at(wide.shape, length, 1)), {
      axis: axis + 1,
      before: 0,
      after: stride - 1,
    });
    wide = sliceAxis(reshape(padded, at(wide.shape, length * stride)), axis, 0, (length - 1) * stride + 1);
  }
  // A named length has a stride of 1.
  const last = typeof length === "number" ? addDims(start, (length - 1) * step) : addDims(end, 1);
  const before = step > 0 ? start : last;
  const used = wide.shape[axis]!;
  return pad(wide, { axis, before, after: subDims(subDims(size, before), used) }, [x]);
}

/** Which axes are sliced, from where to where. */
export interface SliceOptions {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** The first axes by default. */
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
}

/** A part of each axis: start, end (not included), step. https://onnx.ai/onnx/operators/onnx__Slice.html */
export function slice(
  x: Tensor,
  { starts, ends, axes = starts.map((_, i) => i), steps }: SliceOptions,
): Tensor {
  const vectors = [
    starts,
    ends,
    axes.map((axis) => normalizeAxis(axis, x.shape.length)),
    ...(steps ? [steps] : []),
  ];
  return apply(sliceOp, [x, ...vectors.map(int64s)]);
}

/**
 * start..end of one axis; the ends may be named sizes.
 * @param near - tensors whose shapes hold the names in `start` and `end`, where `x` itself has them not.
 */
export function sliceAxis(
  x: Tensor,
  axis: number,
  start: Dim,
  end: Dim,
  near: readonly Tensor[] = [],
): Tensor {
  if (start === 0 && end === x.shape[axis]) return x;
  return apply(sliceOp, [x, dimTensor(start, [...near, x]), dimTensor(end, [...near, x]), int64s([axis])]);
}

export default [sliceOp];
