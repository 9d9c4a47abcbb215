import { formatShape } from "../dim.js";
import { apply, defineOp, sameDType } from "../op.js";
import type { Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { fullLike } from "./expand.js";
import { gatherND } from "./gather-nd.js";

const scatterNDOp = defineOp("ScatterND", {
  since: 18,
  attributes: { reduction: "string" },
  infer(call) {
    const [data, indices, updates] = [call.input(0), call.input(1), call.input(2)];
    const depth = indices.shape.at(-1);
    if (typeof depth !== "number" || depth > data.shape.length) {
      call.fail(
        `indices ${formatShape(indices.shape)} do not address ${formatShape(data.shape)}; the last axis counts the addressed axes`,
      );
    }
    sameDType(call, data, updates);
    return [{ dtype: data.dtype, shape: data.shape }];
  },
  vjp(back) {
    const indices = back.input(1);
    const updates = gatherND(back.grad, indices);
    const reduction = back.attributes.reduction ?? "none";
    if (reduction === "add") return [back.grad, undefined, updates];
    if (reduction !== "none")
      return back.fail(`no gradient for the reduction "${reduction}"; use "add" or "none"`);
    return [scatterND(back.grad, indices, fullLike(back.input(2), 0)), undefined, updates];
  },
});

/**
 * `data` with slices replaced by (or added to) `updates`. https://onnx.ai/onnx/operators/onnx__ScatterND.html
 * @param indices - [..., k]: each row addresses the first k axes of `data`.
 */
export const scatterND = (
  data: Tensor,
  indices: Tensor,
  updates: Tensor,
  reduction: "none" | "add" = "none",
): Tensor =>
  apply(scatterNDOp, [data, cast(indices, "int64"), updates], reduction === "none" ? {} : { reduction });

export default [scatterNDOp];
