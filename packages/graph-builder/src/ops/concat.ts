import { addDims, formatShape } from "../dim.js";
import { apply, defineOp, makeCall, makeNode, type OpEntry, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { sliceAxis } from "./slice.js";
import { split } from "./split.js";
import { transpose, transposed } from "./transpose.js";

const concatOp: OpEntry = defineOp("Concat", {
  since: 13,
  attributes: { axis: "int" },
  infer(call) {
    const xs = call.inputs.map((_, i) => call.input(i));
    const rank = xs[0]!.shape.length;
    const axis = normalizeAxis(call.attributes.axis as number, rank, call.fail);
    const shape = xs
      .map((x) => x.shape)
      .reduce((a, b) => {
        if (a.length !== b.length || a.some((dim, i) => i !== axis && dim !== b[i])) {
          call.fail(
            `${formatShape(a)} and ${formatShape(b)} differ outside axis ${axis}; only that axis may differ`,
          );
        }
        return a.map((dim, i) => (i === axis ? addDims(dim, b[i]!) : dim));
      });
    return [{ dtype: sameDType(call, ...xs), shape }];
  },
  dims(node, of) {
    const parts = node.inputs.map((_, i) => of(i));
    if (node.outputs[0]!.shape.length !== 1) return undefined;
    return parts.every((p) => p !== undefined) ? parts.flat() : undefined;
  },
  vjp({ inputs, attributes, grad }) {
    const axis = normalizeAxis(attributes.axis as number, grad.shape.length);
    const sizes = inputs.map((x) => x!.shape[axis]!);
    if (sizes.every((size) => typeof size === "number")) return split(grad, sizes, axis);
    let start = 0 as (typeof sizes)[number];
    return sizes.map((size) => {
      const end = addDims(start, size);
      const part = sliceAxis(grad, axis, start, end, inputs as Tensor[]);
      start = end;
      return part;
    });
  },
  simplify({ inputs, attributes, input }) {
    if (inputs.length === 1) return input(0);
    // Concat(Transpose(a), b) = Transpose(Concat(a, b')): images stay in the layout of those that have one.
    const layout = inputs.map((x) => transposed(x!)).find((t) => t !== undefined);
    if (!layout || layout.perm.length < 3) return undefined;
    const { perm } = layout;
    const back = perm.map((_, i) => perm.indexOf(i));
    const axis = perm[normalizeAxis(attributes.axis as number, perm.length)]!;
    // Made as it stands: the transposed operands must not send the layout back again.
    const inner = inputs.map((x) => transpose(x!, back));
    return transpose(makeNode(makeCall(concatOp, inner, { axis }, 1))[0]!, perm);
  },
});

/** Joins tensors along an axis. https://onnx.ai/onnx/operators/onnx__Concat.html */
export const concat = (xs: readonly Tensor[], axis: number): Tensor => apply(concatOp, xs, { axis });

export default [concatOp];
