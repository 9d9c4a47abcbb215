import { formatShape } from "../dim.js";
import { apply, defineOp } from "../op.js";
import type { Tensor } from "../tensor.js";
import { reshape } from "./reshape.js";

const transposeOp = defineOp("Transpose", {
  since: 13,
  attributes: { perm: "ints" },
  infer({ input, attributes, fail }) {
    const { dtype, shape } = input(0);
    const perm =
      (attributes.perm as readonly number[] | undefined) ?? shape.map((_, i) => shape.length - 1 - i);
    if (perm.length !== shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      fail(`perm [${perm}] is not a permutation of the axes of ${formatShape(shape)}; name each axis once`);
    }
    return [{ dtype, shape: perm.map((axis) => shape[axis]!) }];
  },
  vjp: ({ grad, outputs }) => {
    const perm = permOf(outputs[0]!);
    return [transpose(grad, inverse(perm))];
  },
  simplify({ input, attributes }) {
    const x = input(0);
    const perm =
      (attributes.perm as readonly number[] | undefined) ?? x.shape.map((_, i) => x.shape.length - 1 - i);
    if (perm.every((axis, i) => axis === i)) return x;
    const under = transposed(x);
    if (under)
      return transpose(
        under.x,
        perm.map((axis) => under.perm[axis]!),
      );
    // Where only axes of size 1 move, the elements stay in order.
    const moving = perm.filter((axis) => x.shape[axis] !== 1);
    if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!))
      return reshape(
        x,
        perm.map((axis) => x.shape[axis]!),
      );
    return undefined;
  },
});

function permOf(output: Tensor): readonly number[] {
  const source = output.source;
  if (source.kind !== "node") return [];
  const rank = output.shape.length;
  return (
    (source.attributes.perm as readonly number[] | undefined) ?? output.shape.map((_, i) => rank - 1 - i)
  );
}

/** The permutation that undoes `perm`. */
export function inverse(perm: readonly number[]): number[] {
  const result: number[] = [];
  perm.forEach((axis, i) => {
    result[axis] = i;
  });
  return result;
}

/** The tensor under a Transpose and the permutation, if `t` is one's output. */
export function transposed(t: Tensor): { x: Tensor; perm: readonly number[] } | undefined {
  if (t.source.kind !== "node" || t.source.op !== transposeOp) return undefined;
  return { x: t.source.inputs[0]!, perm: permOf(t) };
}

/** Permutes the axes. https://onnx.ai/onnx/operators/onnx__Transpose.html */
export const transpose = (x: Tensor, perm: readonly number[]): Tensor => apply(transposeOp, [x], { perm });

export default [transposeOp];
