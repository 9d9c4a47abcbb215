/** Dimensions as polynomials in named sizes: against their values. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addDims, type Dim, evaluateDim, exactDiv, floorDiv, mulDims, subDims } from "../src/dim.js";

const SIZES = new Map([
  ["n", 3],
  ["h", 8],
  ["w.0", 5],
]);

describe("written canonically", () => {
  test.each<[Dim, Dim]>([
    [addDims("n", "h"), "h+n"],
    [addDims("h", addDims("n", 1)), "h+n+1"],
    [addDims(addDims("n", 1), "h"), "h+n+1"],
    [subDims(1, "n"), "-n+1"],
    [subDims(subDims(1, "n"), 1), "-n"],
    [addDims(subDims(1, "n"), "n"), 1],
    [subDims("n", "n"), 0],
    [mulDims(0, "n"), 0],
    [mulDims(addDims("n", 1), subDims("n", 1)), "n*n-1"],
    [mulDims("n", 2), "2*n"],
    [floorDiv("n", 2), "floor((n)/2)"],
    [mulDims(floorDiv(mulDims("n", 3), 2), "h"), "floor((3*n)/2)*h"],
  ])("%s is %s", (dim, expected) => {
    expect(dim).toBe(expected);
  });
});

describe("divided exactly or not at all", () => {
  test.each<[Dim, Dim, Dim | undefined]>([
    ["n", "n", 1],
    ["6*n", 3, "2*n"],
    ["6*n", "n", 6],
    ["6*n", 4, undefined],
    ["h*n", "n", "h"],
    ["h*n+n", "n", "h+1"],
    ["h*n+1", "n", undefined],
    ["n", "h", undefined],
    ["n", addDims("n", 1), undefined],
    [12, 4, 3],
  ])("%s by %s is %s", (a, b, expected) => {
    expect(exactDiv(a, b)).toBe(expected);
  });
});

test.each(["batch size", "a b*n", "?", "2n"])("a foreign name stays what it is: %s", (name) => {
  expect(mulDims(addDims(name, 0), 1)).toBe(name);
  expect(subDims(name, name)).toBe(0);
});

test("a size that no one can read is refused", () => {
  const square = (dim: Dim): Dim => mulDims(addDims(dim, "a"), addDims(dim, "b"));
  expect(() => square(square(square(square(square("n")))))).toThrow(
    /^a computed size is longer than \d+ characters .*; give sizes in numbers$/,
  );
});

/** Random expressions: the dimension and its value. */
const expression = fc.letrec<{ e: readonly [Dim, number] }>((tie) => ({
  e: fc.oneof(
    { depthSize: "small" },
    fc.integer({ min: 0, max: 9 }).map((n) => [n, n] as const),
    fc.constantFrom(...SIZES),
    fc.tuple(tie("e"), tie("e")).map(([[a, va], [b, vb]]) => [addDims(a, b), va + vb] as const),
    fc.tuple(tie("e"), tie("e")).map(([[a, va], [b, vb]]) => [subDims(a, b), va - vb] as const),
    fc.tuple(tie("e"), tie("e")).map(([[a, va], [b, vb]]) => [mulDims(a, b), va * vb] as const),
    fc
      .tuple(tie("e"), fc.integer({ min: 1, max: 5 }))
      .map(([[a, va], b]) => [floorDiv(a, b), Math.floor(va / b)] as const),
  ),
})).e;

test("arithmetic on dimensions is that on their values", () => {
  fc.assert(
    fc.property(expression, ([dim, value]) => {
      // Zero times a negative number is -0, which no size is.
      expect(evaluateDim(dim, SIZES)).toBe(value + 0);
    }),
  );
});
