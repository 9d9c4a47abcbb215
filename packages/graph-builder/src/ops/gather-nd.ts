import { formatShape } from "../dim.js";
import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { fullLike } from "./expand.js";
import { scatterND } from "./scatter.js";

const gatherNDOp = defineOp("GatherND", {
  since: 13,
  attributes: { batch_dims: "int" },
  infer({ input, attributes, fail }) {
    const [data, indices] = [input(0), input(1)];
    const batch = (attributes.batch_dims as number | undefined) ?? 0;
    const depth = indices.shape.at(-1);
    if (typeof depth !== "number" || batch + depth > data.shape.length) {
      return fail(
        `indices ${formatShape(indices.shape)} do not address ${formatShape(data.shape)}; the last axis counts the addressed axes`,
      );
    }
    return [
      { dtype: data.dtype, shape: [...indices.shape.slice(0, -1), ...data.shape.slice(batch + depth)] },
    ];
  },
  vjp(back) {
    const [data, indices] = [back.input(0), back.input(1)];
    if (back.attributes.batch_dims)
      return back.fail("no gradient for batch_dims > 0; put the batch into the indices");
    return [scatterND(fullLike(data, 0), indices, back.grad, "add"), undefined];
  },
});

/** Slices of `data` addressed by the rows of `indices`. https://onnx.ai/onnx/operators/onnx__GatherND.html */
export const gatherND = (data: Tensor, indices: Tensor): Tensor =>
  apply(gatherNDOp, [data, cast(indices, "int64")]);

export default [gatherNDOp];
