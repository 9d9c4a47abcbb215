/** What changes nothing is left out, and only that. */
import { expect, test } from "vitest";
import { add, cast, constant, div, input, max, min, mul, neg, pow, sub, type Tensor } from "../src/index.js";

const x = input("x", "float32", [3]);
const ones = constant("float32", [1, 1], [1]);
const zeros = constant("float32", [1, 1], [0]);

test.each<[string, () => Tensor]>([
  ["x + 0", () => add(x, 0)],
  ["0 + x", () => add(0, x)],
  ["x - 0", () => sub(x, 0)],
  ["x * 1", () => mul(x, 1)],
  ["1 * x", () => mul(1, x)],
  ["x of one axis times [1] of one", () => mul(x, constant("float32", [1], [1]))],
  ["x / 1", () => div(x, 1)],
  ["x to the power of 1", () => pow(x, 1)],
  ["-(-x)", () => neg(neg(x))],
  ["the largest of x", () => max(x)],
  ["the smallest of x", () => min(x)],
  ["x as what it is", () => cast(x, "float32")],
])("%s is x", (_, make) => {
  expect(make()).toBe(x);
});

test.each<[string, () => Tensor]>([
  ["x + [[0]]", () => add(x, zeros)],
  ["[[0]] + x", () => add(zeros, x)],
  ["x - [[0]]", () => sub(x, zeros)],
  ["x * [[1]]", () => mul(x, ones)],
  ["[[1]] * x", () => mul(ones, x)],
  ["x / [[1]]", () => div(x, ones)],
  ["x to the power of [[1]]", () => pow(x, ones)],
])("%s has an axis more than x", (_, make) => {
  expect(make().shape).toEqual([1, 3]);
});

test.each<[string, () => Tensor]>([
  ["0 - x", () => sub(0, x)],
  ["1 / x", () => div(1, x)],
  ["1 to the power of x", () => pow(1, x)],
  ["x + 1", () => add(x, 1)],
  ["x * 0", () => mul(x, 0)],
  ["x squared", () => pow(x, 2)],
  ["-x", () => neg(x)],
  ["x in double precision", () => cast(x, "float64")],
])("%s is not x", (_, make) => {
  expect(make().source.kind).toBe("node");
});
