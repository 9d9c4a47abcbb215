/** Operators that appear in files alone: what the builder makes of their nodes. */
import { formatShape, mulDims, type Shape } from "../dim.js";
import { type DType, toTypedArray } from "../dtype.js";
import { type Call, defineReading } from "../op.js";
import { constant, isTensor, scalar, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { cast } from "./cast.js";
import { constantValues, dimsOf } from "./constants.js";
import { expand, fullLike } from "./expand.js";
import { reshape } from "./reshape.js";

/** https://onnx.ai/onnx/operators/onnx__Constant.html */
const constantReading = defineReading("Constant", {
  since: 1,
  attributes: {
    value: "tensor",
    value_float: "float",
    value_floats: "floats",
    value_int: "int",
    value_ints: "ints",
  },
  read: (call) => [constantOf(call)],
});

function constantOf({ attributes, fail }: Call): Tensor {
  const [[name, value] = [], second] = Object.entries(attributes);
  if (name === undefined || value === undefined || second)
    return fail("expected one attribute that holds the value");
  if (isTensor(value)) return value;
  const dtype: DType = name.startsWith("value_int") ? "int64" : "float32";
  if (typeof value === "number") return scalar(value, dtype);
  const values = value as readonly number[];
  return constant(dtype, [values.length], toTypedArray(dtype, values));
}

/** https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html */
const constantOfShapeReading = defineReading("ConstantOfShape", {
  since: 9,
  attributes: { value: "tensor" },
  read({ input, attributes, fail }) {
    const shape = dimsOf(input(0));
    if (!shape) return fail("the shape is computed when the graph runs; give it as a constant");
    const value = isTensor(attributes.value) ? attributes.value : scalar(0);
    if (value.shape.length > 1 || value.shape.some((dim) => dim !== 1))
      fail(`the value is ${formatShape(value.shape)}, expected one element`);
    return [expand(value, shape)];
  },
});

/** Nothing in inference, or at a rate of 0; in training the mask is an input of the builder's networks. */
const dropoutReading = defineReading("Dropout", {
  since: 7,
  view: true,
  attributes: { ratio: "float", seed: "int" },
  read({ input, inputs, outputs, fail }) {
    const [rate, training] = [inputs[1], inputs[2]].map((t) => constantValues(t)?.[0]);
    if (inputs[2] && training !== 0 && rate !== 0)
      fail(
        "training_mode is not supported, as its mask is drawn when the graph runs; export the model in inference mode",
      );
    const x = input(0);
    return outputs === 1 ? [x] : [x, fullLike(x, 1, "bool")];
  },
});

/** https://onnx.ai/onnx/operators/onnx__CastLike.html */
const castLikeReading = defineReading("CastLike", {
  since: 15,
  attributes: { saturate: "int" },
  read: ({ input }) => [cast(input(0), input(1).dtype)],
});

/** https://onnx.ai/onnx/operators/onnx__Flatten.html */
const flattenReading = defineReading("Flatten", {
  since: 1,
  view: true,
  attributes: { axis: "int" },
  read({ input, attributes, fail }) {
    const x = input(0);
    const wanted = (attributes.axis as number | undefined) ?? 1;
    const axis = wanted === x.shape.length ? wanted : normalizeAxis(wanted, x.shape.length, fail);
    const size = (dims: Shape) => dims.reduce(mulDims, 1);
    return [reshape(x, [size(x.shape.slice(0, axis)), size(x.shape.slice(axis))])];
  },
});

export default [castLikeReading, constantReading, constantOfShapeReading, dropoutReading, flattenReading];
