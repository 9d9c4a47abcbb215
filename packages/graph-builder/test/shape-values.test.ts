/** Whole numbers that a graph computes from sizes are known while it is built, as ONNX Runtime computes them. */
import { expect, test } from "vitest";
import { type Dim, evaluateDim } from "../src/dim.js";
import {
  add,
  and,
  cast,
  concat,
  div,
  equal,
  expand,
  gather,
  greater,
  greaterOrEqual,
  input,
  int64s,
  less,
  lessOrEqual,
  max,
  min,
  mod,
  mul,
  neg,
  not,
  or,
  range,
  reshape,
  shapeOf,
  slice,
  sub,
  type Tensor,
  where,
  xor,
} from "../src/index.js";
import { dimsOf } from "../src/ops/constants.js";
import { evaluate, floats } from "./run.js";

const x = input("x", "float32", ["n", 4, 6]);
const sizes = shapeOf(x);
const numbers = slice(sizes, { starts: [1], ends: [3] });
const five = int64s([5]);
const first = reshape(slice(sizes, { starts: [0], ends: [1] }), []);
const large = () => greater(numbers, five);

const KNOWN: Readonly<Record<string, readonly [() => Tensor, readonly Dim[]]>> = {
  sum: [() => add(sizes, 1), ["n+1", 5, 7]],
  difference: [() => sub(add(sizes, sizes), sizes), ["n", 4, 6]],
  product: [() => mul(sizes, 3), ["3*n", 12, 18]],
  quotient: [() => div(sizes, 2), ["floor((n)/2)", 2, 3]],
  "quotient of names": [() => div(mul(sizes, 6), sizes), [6, 6, 6]],
  negative: [() => neg(sub(numbers, five)), [1, -1]],
  remainder: [() => mod(numbers, five), [4, 1]],
  "remainder of a name by itself": [() => mod(sizes, sizes), [0, 0, 0]],
  "remainder of nothing": [() => mod(sub(numbers, numbers), five), [0, 0]],
  largest: [() => max(numbers, five), [5, 6]],
  smallest: [() => min(numbers, five), [4, 5]],
  less: [() => less(numbers, five), [1, 0]],
  "less or equal": [() => lessOrEqual(numbers, int64s([6])), [1, 1]],
  greater: [large, [0, 1]],
  "greater or equal": [() => greaterOrEqual(numbers, int64s([4])), [1, 1]],
  "not less, as it is equal": [() => less(numbers, int64s([4])), [0, 0]],
  "greater or equal, or neither": [() => greaterOrEqual(numbers, five), [0, 1]],
  "less or equal, or neither": [() => lessOrEqual(numbers, five), [1, 0]],
  "both or none": [() => and(large(), large()), [0, 1]],
  "either or none": [() => or(large(), large()), [0, 1]],
  "one of the two": [() => xor(large(), not(large())), [1, 1]],
  equal: [() => equal(numbers, int64s([6])), [0, 1]],
  "equal names": [() => equal(sizes, sizes), [1, 1, 1]],
  "a name above itself": [() => greater(sizes, sizes), [0, 0, 0]],
  not: [() => not(large()), [1, 0]],
  and: [() => and(large(), not(large())), [0, 0]],
  or: [() => or(large(), not(large())), [1, 1]],
  xor: [() => xor(large(), large()), [0, 0]],
  choice: [() => where(large(), numbers, five), [5, 6]],
  "picked, some twice": [() => gather(sizes, int64s([2, -3, 2])), [6, "n", 6]],
  repeated: [() => expand(slice(sizes, { starts: [1], ends: [2] }), [3]), [4, 4, 4]],
  joined: [() => concat([numbers, sizes], 0), [4, 6, "n", 4, 6]],
  "counted from a name": [() => range(first, add(first, 3)), ["n", "n+1", "n+2"]],
  "a matrix and a matrix": [
    () => reshape(add(reshape(sizes, [1, 3]), reshape(sizes, [3])), [3]),
    ["2*n", 8, 12],
  ],
  counted: [() => range(reshape(five, []), 0, -2), [5, 3, 1]],
  "another type": [() => cast(cast(sizes, "int32"), "int64"), ["n", 4, 6]],
};

test("what is known is what ONNX Runtime computes", async () => {
  const outputs = Object.fromEntries(Object.entries(KNOWN).map(([name, [make]]) => [name, make()]));
  const n = 3;
  const results = await evaluate([[x, floats([n, 4, 6], new Float32Array(n * 24))]], outputs);
  for (const [name, [, dims]] of Object.entries(KNOWN)) {
    expect({ name, dims: dimsOf(outputs[name]) }).toEqual({ name, dims });
    const values = dims.map((dim) => evaluateDim(dim, new Map([["n", n]])));
    expect({ name, values: Array.from(results[name]!.data, Number) }).toEqual({ name, values });
  }
});

test.each<[string, () => Tensor]>([
  ["a name against a number", () => equal(sizes, 4)],
  ["a name's remainder", () => mod(sizes, 4)],
  ["a number's remainder by a name", () => mod(five, sizes)],
  ["a negative number's remainder", () => mod(int64s([-4]), int64s([3]))],
  ["a remainder by a negative number", () => mod(int64s([4]), int64s([-3]))],
  ["a remainder by nothing", () => mod(five, int64s([0]))],
  ["a negative name", () => neg(sizes)],
  ["the larger of a name and a number", () => max(sizes, five)],
  ["operands of other lengths", () => add(numbers, input("two", "int64", [2]))],
  ["a number picked by a name", () => gather(numbers, sizes)],
  ["numbers up to a name", () => range(int64s([0]), slice(sizes, { starts: [0], ends: [1] }), int64s([2]))],
  ["one of several by a condition that nobody knows", () => where(equal(sizes, 4), sizes, five)],
  ["floating point", () => cast(sizes, "float32")],
  ["every other size", () => slice(sizes, { starts: [0], ends: [3], steps: [2] })],
  ["a part of what is not known", () => slice(input("four", "int64", [4]), { starts: [0], ends: [2] })],
  // Known, as it happens, are vectors alone: elements of matrices do not follow each other as those of their parts do.
  ["a matrix and a vector", () => reshape(add(reshape(numbers, [2, 1]), numbers), [4])],
  [
    "matrices side by side",
    () => reshape(concat([reshape(numbers, [2, 1]), reshape(numbers, [2, 1])], 1), [4]),
  ],
  [
    "a column of a matrix",
    () => reshape(slice(reshape(sizes, [3, 1]), { starts: [0], ends: [1], axes: [1] }), [3]),
  ],
  ["a row of a matrix", () => gather(reshape(numbers, [1, 2]), int64s([0]))],
  ["a number joined with one that is not known", () => concat([numbers, input("one", "int64", [1])], 0)],
  ["several numbers, repeated", () => expand(numbers, [2, 2])],
  ["one number, repeated along two axes", () => expand(five, [2, 3])],
  ["one number, as often as a name says", () => expand(five, ["n"], [x])],
  ["a number of one that is not known, repeated", () => expand(input("one", "int64", [1]), [3])],
  ["numbers picked by what is not known", () => gather(numbers, input("one", "int64", [1]))],
  ["one of what is not known", () => gather(input("one", "int64", [4]), int64s([1]))],
  [
    "one of several known ones, and a name",
    () => gather(sizes, concat([int64s([1]), slice(sizes, { ends: [1], starts: [0] })], 0)),
  ],
])("%s is not known", (_, make) => {
  expect(dimsOf(make())).toBeUndefined();
});

test.each<[string, () => Tensor, Dim]>([
  ["up to a name", () => range(0, first), "n"],
  ["down from a name", () => range(first, 0, -1), "n"],
  ["up to a name in steps", () => range(int64s([1]), first, 3), "floor((n+1)/3)"],
  ["down from a name in steps", () => range(first, int64s([-1]), -2), "floor((n+2)/2)"],
])("numbers %s are as many as ONNX Runtime counts", async (_, make, count) => {
  const y = make();
  expect(y.shape).toEqual([count]);
  for (const n of [3, 4, 5]) {
    const results = await evaluate([[x, floats([n, 4, 6], new Float32Array(n * 24))]], { y });
    expect(results.y!.dims).toEqual([evaluateDim(count, new Map([["n", n]]))]);
  }
});
