/** Activations and normalisations of files that are read as others together. */
import { addDims, type Dim, formatShape } from "../dim.js";
import { bytesPerElement, dtypeFromOnnx } from "../dtype.js";
import { type Call, defineReading } from "../op.js";
import type { Attributes, Tensor } from "../tensor.js";
import { add, div, mul, pow, sub } from "./arithmetic.js";
import { normalizeAxis } from "./axes.js";
import { cast } from "./cast.js";
import { argMax } from "./choose.js";
import { equal, greater, less, where } from "./compare.js";
import { like } from "./elementwise.js";
import { rmsNormalization, standardize } from "./normalization.js";
import { pad } from "./pad.js";
import { range } from "./range.js";
import { reshape } from "./reshape.js";
import { dimTensor } from "./shape.js";
import { sliceAxis } from "./slice.js";
import { sigmoid } from "./unary.js";

const number = (attributes: Attributes, name: string, usual: number): number =>
  (attributes[name] as number | undefined) ?? usual;

const swish = ({ input, attributes }: Call): Tensor =>
  mul(input(0), sigmoid(mul(input(0), number(attributes, "alpha", 1))));

const swishReading = defineReading("Swish", {
  since: 24,
  attributes: { alpha: "float" },
  read: (call) => [swish(call)],
});

const swiGluReading = defineReading("SwiGLU", {
  since: 28,
  attributes: { alpha: "float" },
  read: (call) => [mul(swish(call), call.input(1))],
});

const shrinkReading = defineReading("Shrink", {
  since: 9,
  attributes: { bias: "float", lambd: "float" },
  read({ input, attributes }) {
    const x = input(0);
    const [bias, edge] = [number(attributes, "bias", 0), number(attributes, "lambd", 0.5)];
    const above = where(greater(x, like(x, edge)), sub(x, bias), like(x, 0));
    return [where(less(x, like(x, -edge)), add(x, bias), above)];
  },
});

const hardmaxReading = defineReading("Hardmax", {
  since: 13,
  // Before, all axes from the given one on were one.
  reads: 12,
  attributes: { axis: "int" },
  read({ input, attributes, fail }) {
    const x = input(0);
    const axis = normalizeAxis(number(attributes, "axis", -1), x.shape.length, fail);
    const places = range(like(argMax(x), 0), dimTensor(x.shape[axis]!, [x]));
    const along = x.shape.map((dim, i): Dim => (i === axis ? dim : 1));
    return [cast(equal(argMax(x, { axis }), reshape(places, along)), x.dtype)];
  },
});

const rmsReading = defineReading("RMSNormalization", {
  since: 23,
  attributes: { axis: "int", epsilon: "float", stash_type: "int" },
  read({ input, attributes, fail }) {
    const [x, weight] = [input(0), input(1)];
    const axis = normalizeAxis(number(attributes, "axis", -1), x.shape.length, fail);
    const stash = dtypeFromOnnx(number(attributes, "stash_type", 1)) ?? x.dtype;
    const wide = bytesPerElement(stash) > bytesPerElement(x.dtype) ? cast(x, stash) : x;
    const y = rmsNormalization(wide, { axis, epsilon: number(attributes, "epsilon", 1e-5) });
    return [mul(cast(y, weight.dtype), weight)];
  },
});

const meanVarianceReading = defineReading("MeanVarianceNormalization", {
  since: 13,
  attributes: { axes: "ints" },
  // ONNX adds 1e-9 to the deviation: its square keeps the variance from 0 as well.
  read: ({ input, attributes }) => [
    standardize(input(0), (attributes.axes as readonly number[] | undefined) ?? [0, 2, 3], 1e-18),
  ],
});

/** https://onnx.ai/onnx/operators/onnx__LRN.html */
const lrnReading = defineReading("LRN", {
  since: 1,
  attributes: { alpha: "float", beta: "float", bias: "float", size: "int" },
  read({ input, attributes, fail }) {
    const x = input(0);
    const channels = x.shape[1];
    const size = number(attributes, "size", 0);
    if (channels === undefined || !(size >= 1 && size <= 1024))
      return fail(`the input is ${formatShape(x.shape)}, the size ${size}; expected [N, C, ...], 1 to 1024`);
    const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    const squares = pad(mul(x, x), { axis: 1, before, after });
    const near = Array.from({ length: size }, (_, i) =>
      sliceAxis(squares, 1, i, addDims(channels, i), [x]),
    ).reduce((a, b) => add(a, b));
    const scale = mul(near, number(attributes, "alpha", 1e-4) / size);
    const norm = pow(add(scale, number(attributes, "bias", 1)), number(attributes, "beta", 0.75));
    return [div(x, norm)];
  },
});

export default [
  hardmaxReading,
  lrnReading,
  meanVarianceReading,
  rmsReading,
  shrinkReading,
  swiGluReading,
  swishReading,
];
