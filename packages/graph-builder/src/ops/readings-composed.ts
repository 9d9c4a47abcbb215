/** Operators of files that are read as others together. */
import { formatShape, isStatic, sizeOf } from "../dim.js";
import { dtypeFromOnnx, toTypedArray } from "../dtype.js";
import { type Call, defineReading } from "../op.js";
import { constant, type Tensor } from "../tensor.js";
import { add, div } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal, less, where } from "./compare.js";
import { constantValues } from "./constants.js";
import { reshape } from "./reshape.js";
import { dimTensor } from "./shape.js";
import { slice } from "./slice.js";

/** Elements that are written out; a few bytes of a file must not become gigabytes. */
const LONGEST = 2 ** 24;

const all = ({ inputs, input }: Call): Tensor[] => inputs.map((_, i) => input(i));

const sumReading = defineReading("Sum", {
  since: 8,
  read: (call) => [all(call).reduce((a, b) => add(a, b))],
});

const meanReading = defineReading("Mean", {
  since: 8,
  read: (call) => [
    div(
      all(call).reduce((a, b) => add(a, b)),
      call.inputs.length,
    ),
  ],
});

const sizeReading = defineReading("Size", {
  since: 1,
  read: ({ input }) => [reshape(dimTensor(sizeOf(input(0).shape), [input(0)]), [])],
});

const eyeLikeReading = defineReading("EyeLike", {
  since: 9,
  attributes: { dtype: "int", k: "int" },
  read({ input, attributes, fail }) {
    const { dtype, shape } = input(0);
    if (shape.length !== 2 || !isStatic(shape) || shape[0]! * shape[1]! > LONGEST)
      return fail(`the input is ${formatShape(shape)}, expected a matrix of known, moderate size`);
    const type = attributes.dtype === undefined ? dtype : dtypeFromOnnx(attributes.dtype as number);
    if (!type) return fail(`element type ${attributes.dtype} is not supported`);
    const [rows, columns] = shape as [number, number];
    const k = (attributes.k as number | undefined) ?? 0;
    const values = Array.from({ length: rows * columns }, (_, i) =>
      i % columns === Math.floor(i / columns) + k ? 1 : 0,
    );
    return [constant(type, [rows, columns], toTypedArray(type, values))];
  },
});

/** https://onnx.ai/onnx/operators/onnx__OneHot.html */
const oneHotReading = defineReading("OneHot", {
  since: 11,
  attributes: { axis: "int" },
  read({ input, attributes, fail }) {
    const [indices, values] = [input(0), input(2)];
    const depth = constantValues(input(1))?.[0];
    if (depth === undefined) return fail("the depth is computed when the graph runs; give it as a constant");
    if (!(depth >= 0 && depth <= LONGEST)) return fail(`the depth is ${depth}, expected 0 to ${LONGEST}`);
    const rank = indices.shape.length + 1;
    const wanted = (attributes.axis as number | undefined) ?? -1;
    const axis = wanted < 0 ? wanted + rank : wanted;
    if (!(axis >= 0 && axis < rank))
      return fail(`axis ${wanted} is out of range for the rank ${rank} of the result`);
    const whole = cast(indices, "int64");
    // Negative indices count from the end.
    const place = where(less(whole, 0), add(whole, depth), whole);
    const open = reshape(place, [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)]);
    const classes = constant(
      "int64",
      Array.from({ length: rank }, (_, i) => (i === axis ? depth : 1)),
      Array.from({ length: depth }, (_, i) => i),
    );
    const [off, on] = [0, 1].map((i) => reshape(slice(values, { starts: [i], ends: [i + 1] }), [])) as [
      Tensor,
      Tensor,
    ];
    return [where(equal(open, classes), on, off)];
  },
});

export default [eyeLikeReading, meanReading, oneHotReading, sizeReading, sumReading];
