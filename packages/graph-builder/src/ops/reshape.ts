import { type Dim, exactDiv, formatShape, mulDims, type Shape, sameShape, sizeOf } from "../dim.js";
import { apply, type Call, defineOp } from "../op.js";
import { int64s, type Tensor } from "../tensor.js";
import { dimsOf } from "./constants.js";
import { shapeTensor } from "./shape.js";

const reshapeOp = defineOp("Reshape", {
  since: 14,
  view: true,
  attributes: { allowzero: "int" },
  infer(call) {
    const x = call.input(0);
    return [{ dtype: x.dtype, shape: target(call, x) }];
  },
  vjp: ({ input, grad }) => [reshape(grad, input(0).shape), undefined],
  simplify(call) {
    const x = call.input(0);
    const shape = target(call, x);
    if (sameShape(x.shape, shape)) return x;
    const { source } = x;
    return source.kind === "node" && source.op === reshapeOp ? reshape(source.inputs[0]!, shape) : undefined;
  },
  dims: (_, of) => of(0),
});

/** The shape that a Reshape's second input asks for: 0 keeps an axis, -1 takes the rest. */
function target({ inputs, attributes, fail }: Call, x: Tensor): Shape {
  const wanted = dimsOf(inputs[1]);
  if (!wanted)
    return fail(`the shape input is computed when the graph runs, so the result's shape is unknown here`);
  const copied = wanted.map((dim, i) =>
    dim === 0 && !attributes.allowzero
      ? (x.shape[i] ?? fail(`shape[${i}] is 0 (keep), but the input is ${formatShape(x.shape)}`))
      : dim,
  );
  const known = copied.filter((dim) => dim !== -1).reduce(mulDims, 1 as Dim);
  const open = copied.length - copied.filter((dim) => dim !== -1).length;
  const total = sizeOf(x.shape);
  if (open > 1) fail(`shape ${formatShape(wanted)} has ${open} entries of -1; one at most can be derived`);
  const rest = known === 0 && total === 0 ? 0 : exactDiv(total, known);
  if (open === 1 && rest === undefined)
    fail(`${formatShape(x.shape)} (${total} elements) does not divide into ${formatShape(copied)}`);
  if (open === 0 && total !== known)
    fail(
      `${formatShape(x.shape)} (${total} elements) does not fill ${formatShape(copied)} (${known} elements)`,
    );
  return copied.map((dim) => (dim === -1 ? rest! : dim));
}

/**
 * The same elements in another shape; the sizes may be named (`batch`, `256*batch`).
 * https://onnx.ai/onnx/operators/onnx__Reshape.html
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.map((dim, i) => (typeof dim === "number" ? dim : dim === x.shape[i] ? 0 : -1));
  // ONNX reads 0 as "keep" unless told that it is a size.
  if (shape.includes(0)) return apply(reshapeOp, [x, shapeTensor(shape, [x])], { allowzero: 1 });
  const derivable = unknown.filter((dim) => dim === -1).length <= 1;
  return apply(reshapeOp, [x, derivable ? int64s(unknown) : shapeTensor(shape, [x])]);
}

export default [reshapeOp];
