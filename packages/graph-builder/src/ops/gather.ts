import { formatShape } from "../dim.js";
import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";
import { scalar } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { expand } from "./expand.js";
import { reshape } from "./reshape.js";
import { scatterND } from "./scatter.js";
import { transpose } from "./transpose.js";

const gatherOp = defineOp("Gather", {
  since: 13,
  attributes: { axis: "int" },
  infer({ input, attributes, fail }) {
    const [x, indices] = [input(0), input(1)];
    const axis = normalizeAxis((attributes.axis as number | undefined) ?? 0, x.shape.length, fail);
    if (indices.dtype !== "int32" && indices.dtype !== "int64") {
      fail(
        `the indices are ${indices.dtype} ${formatShape(indices.shape)}, expected int32 or int64; convert them with cast()`,
      );
    }
    return [
      { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
    ];
  },
  dims(node, of) {
    const [values, indices] = [of(0), of(1)];
    if (!values || node.inputs[0]!.shape.length !== 1) return undefined;
    const picked = indices?.map((i) => (typeof i === "number" ? values.at(i) : undefined));
    return picked?.every((d) => d !== undefined) ? picked : undefined;
  },
  vjp({ input, attributes, grad }) {
    const [x, indices] = [input(0), input(1)];
    const axis = normalizeAxis((attributes.axis as number | undefined) ?? 0, x.shape.length);
    // Rows may repeat: their gradients add up. The gathered axis goes first, rows are added, and it goes back.
    const k = indices.shape.length;
    const before = Array.from({ length: axis }, (_, i) => i);
    const gathered = Array.from({ length: k }, (_, i) => axis + i);
    const after = Array.from({ length: x.shape.length - axis - 1 }, (_, i) => axis + k + i);
    const rows = transpose(grad, [...gathered, ...before, ...after]);
    const shape = [x.shape[axis]!, ...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)];
    const zeros = expand(scalar(0, x.dtype), shape, [x]);
    const sums = scatterND(zeros, reshape(indices, [...indices.shape, 1]), rows, "add");
    const home = x.shape.map((_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
    return [transpose(sums, home), undefined];
  },
});

/** Slices of `x` along an axis by index (negative: from the end). https://onnx.ai/onnx/operators/onnx__Gather.html */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  apply(gatherOp, [x, indices], { axis: normalizeAxis(axis, x.shape.length) });

export default [gatherOp];
