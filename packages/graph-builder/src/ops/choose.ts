/** Places of the largest and smallest elements. */
import { formatShape } from "../dim.js";
import { apply, applyAll, defineOp, type OpEntry } from "../op.js";
import { int64s, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { constantValues } from "./constants.js";
import { fullLike } from "./expand.js";
import { scatterElements } from "./gather-elements.js";

/*#__NO_SIDE_EFFECTS__*/
function defineArg(name: string): OpEntry {
  return defineOp(name, {
    since: 13,
    attributes: { axis: "int", keepdims: "int", select_last_index: "int" },
    infer({ input, attributes, fail }) {
      const { shape } = input(0);
      const axis = normalizeAxis((attributes.axis as number | undefined) ?? 0, shape.length, fail);
      const keep = attributes.keepdims !== 0;
      return [{ dtype: "int64", shape: shape.flatMap((d, i) => (i === axis ? (keep ? [1] : []) : [d])) }];
    },
    vjp: () => [undefined],
  });
}

const argMaxOp = defineArg("ArgMax");
const argMinOp = defineArg("ArgMin");

const topKOp = defineOp("TopK", {
  since: 11,
  attributes: { axis: "int", largest: "int", sorted: "int" },
  infer({ input, attributes, fail }) {
    const { dtype, shape } = input(0);
    const axis = normalizeAxis((attributes.axis as number | undefined) ?? -1, shape.length, fail);
    const [k] = constantValues(input(1)) ?? [];
    const size = shape[axis]!;
    if (k === undefined || !(k >= 0) || (typeof size === "number" && k > size))
      fail(
        `k is ${k ?? "computed when the graph runs"}, expected a constant within axis ${axis} of ${formatShape(shape)}`,
      );
    const taken = shape.map((dim, i) => (i === axis ? k! : dim));
    return [
      { dtype, shape: taken },
      { dtype: "int64", shape: taken },
    ];
  },
  vjp({ input, attributes, outputs, grad }) {
    const x = input(0);
    const axis = normalizeAxis((attributes.axis as number | undefined) ?? -1, x.shape.length);
    return [scatterElements(fullLike(x, 0, grad.dtype), outputs[1]!, grad, axis, "add"), undefined];
  },
});

/** Where `argMax` and `argMin` look. */
export interface ArgOptions {
  /** Default: 0. */
  readonly axis?: number;
  /** Keep the axis with size 1. Default: true. */
  readonly keepdims?: boolean;
}

const given = ({ axis = 0, keepdims = true }: ArgOptions) => ({ axis, keepdims: keepdims ? 1 : 0 });

/** Place of the largest element along an axis, int64, the first where several are. */
export const argMax = (x: Tensor, options: ArgOptions = {}): Tensor => apply(argMaxOp, [x], given(options));
/** Place of the smallest element along an axis, int64, the first where several are. */
export const argMin = (x: Tensor, options: ArgOptions = {}): Tensor => apply(argMinOp, [x], given(options));

/** The k largest elements along an axis, in order, and their places. https://onnx.ai/onnx/operators/onnx__TopK.html */
export function topK(
  x: Tensor,
  k: number,
  { axis = -1, largest = true }: { readonly axis?: number; readonly largest?: boolean } = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  const [values, indices] = applyAll(topKOp, [x, int64s([k])], { axis, largest: largest ? 1 : 0 }, 2);
  return { values: values!, indices: indices! };
}

export default [argMaxOp, argMinOp, topKOp];
