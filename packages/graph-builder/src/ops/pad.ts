import { addDims, type Dim, formatShape, isStatic, subDims } from "../dim.js";
import { apply, type Call, defineOp, type OpEntry } from "../op.js";
import { int64s, scalar, type Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { normalizeAxis } from "./axes.js";
import { constantValues, dimsOf } from "./constants.js";
import { like } from "./elementwise.js";
import { fullLike } from "./expand.js";
import { reduceSum } from "./reduce.js";
import { reshape } from "./reshape.js";
import { shapeTensor } from "./shape.js";
import { sliceAxis } from "./slice.js";

const padOp: OpEntry = defineOp("Pad", {
  since: 21,
  attributes: { mode: "string" },
  infer(call) {
    const x = call.input(0);
    const { before, after } = padsOf(call);
    return [{ dtype: x.dtype, shape: x.shape.map((dim, i) => addDims(dim, addDims(before[i]!, after[i]!))) }];
  },
  vjp(back) {
    const x = back.input(0);
    if ((back.attributes.mode ?? "constant") !== "constant") {
      return back.fail(
        `no gradient for mode "${back.attributes.mode}"; pad with constants, or concat slices`,
      );
    }
    const { before, after } = padsOf(back);
    let grad = back.grad;
    x.shape.forEach((_, axis) => {
      const [first, last] = [before[axis]!, after[axis]!];
      if ((typeof first === "number" && first < 0) || (typeof last === "number" && last < 0)) {
        const cut = (d: Dim) => (typeof d === "number" ? Math.max(-d, 0) : 0);
        grad = pad(grad, { axis, before: cut(first), after: cut(last) });
      }
      const start = typeof first === "number" ? Math.max(first, 0) : first;
      const kept = typeof last === "number" ? Math.max(last, 0) : last;
      grad = sliceAxis(grad, axis, start, subDims(grad.shape[axis]!, kept), [x]);
    });
    const value = back.inputs[2];
    if (!value) return [grad, undefined];
    const padding = apply(
      padOp,
      [fullLike(x, 0), back.inputs[1], like(x, 1), back.inputs[3]],
      back.attributes,
    );
    return [grad, undefined, reshape(reduceSum(mul(back.grad, padding)), value.shape), undefined];
  },
});

/** How much each axis grows at its start and end. */
function padsOf({ inputs, fail }: Pick<Call, "inputs" | "fail">): {
  before: readonly Dim[];
  after: readonly Dim[];
} {
  const rank = inputs[0]!.shape.length;
  const pads = dimsOf(inputs[1]) ?? fail("the pads are computed when the graph runs; give constants");
  const axes = inputs[3]
    ? constantValues(inputs[3])?.map((axis) => normalizeAxis(axis, rank, fail))
    : [...Array(rank).keys()];
  if (!axes || pads.length !== 2 * axes.length) {
    return fail(
      `${pads.length} pads for an input of ${formatShape(inputs[0]!.shape)}; expected two for each padded axis`,
    );
  }
  const spread = (values: readonly Dim[]) =>
    Array.from({ length: rank }, (_, i) => values[axes.indexOf(i)] ?? 0);
  return { before: spread(pads.slice(0, axes.length)), after: spread(pads.slice(axes.length)) };
}

/** Grows the tensor by zeros (or `value`). `pads`: the starts of all axes, then their ends. */
export function padAll(
  x: Tensor,
  pads: readonly Dim[],
  value?: number,
  near: readonly Tensor[] = [],
): Tensor {
  if (pads.every((p) => p === 0)) return x;
  const vector = isStatic(pads) ? int64s(pads) : shapeTensor(pads, [...near, x]);
  return apply(padOp, [x, vector, ...(value ? [scalar(value, x.dtype)] : [])], { mode: "constant" });
}

/** Grows one axis by zeros. https://onnx.ai/onnx/operators/onnx__Pad.html */
export function pad(
  x: Tensor,
  { axis, before, after }: { axis: number; before: Dim; after: Dim },
  near: readonly Tensor[] = [],
): Tensor {
  const at = (value: Dim) => x.shape.map((_, i) => (i === axis ? value : 0));
  return padAll(x, [...at(before), ...at(after)], undefined, near);
}

export default [padOp];
