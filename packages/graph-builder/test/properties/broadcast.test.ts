/** Broadcasting: inferred shapes and computed values against plain loops over indices. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  add,
  type Dim,
  div,
  equal,
  expand,
  GraphError,
  greater,
  input,
  matmul,
  max,
  min,
  mul,
  sub,
  type Tensor,
  where,
} from "../../src/index.js";
import { evaluate, floats, randoms, type Value } from "../run.js";

/** NumPy's rule, axis by axis from the last; undefined where two sizes differ and neither is 1. */
function broadcast(...shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(...shapes.map((s) => s.length));
  const result: number[] = [];
  for (let fromEnd = 1; fromEnd <= rank; fromEnd++) {
    const sizes = new Set(shapes.map((s) => s[s.length - fromEnd] ?? 1));
    sizes.delete(1);
    if (sizes.size > 1) return undefined;
    result.unshift([...sizes][0] ?? 1);
  }
  return result;
}

/** All index tuples of a shape, in the order of the elements. */
const indicesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, size) => all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  );

/** The element that a broadcast operand shows at an index of the result. */
function elementAt({ dims, data }: Value, index: readonly number[]): number {
  let offset = 0;
  dims.forEach((size, axis) => {
    const i = index[index.length - dims.length + axis]!;
    offset = offset * size + (size === 1 ? 0 : i);
  });
  return Number(data[offset]);
}

const REFERENCE = {
  add: [add, (a, b) => a + b],
  sub: [sub, (a, b) => a - b],
  mul: [mul, (a, b) => a * b],
  div: [div, (a, b) => a / b],
  max: [max, Math.max],
  min: [min, Math.min],
} as const satisfies Record<
  string,
  readonly [(a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number]
>;

/** Shapes made from one by leaving out leading axes and setting some to 1. */
const compatible = (count: number, smallest = 0) =>
  fc
    .array(fc.integer({ min: smallest, max: 4 }), { maxLength: 4 })
    .chain((full) =>
      fc
        .array(
          fc.tuple(fc.nat({ max: full.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })),
          { minLength: count, maxLength: count },
        )
        .map((choices) =>
          choices.map(([drop, ones]) => full.slice(drop).map((size, i) => (ones[i] ? 1 : size))),
        ),
    );
const anyShapes = fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }), {
  minLength: 2,
  maxLength: 2,
});

function valuesFor(shape: readonly number[], random: () => number): Value {
  const size = shape.reduce((a, b) => a * b, 1);
  return floats(
    shape,
    Array.from({ length: size }, () => Math.round(random() * 8 - 4) + 0.25),
  );
}

test("shapes broadcast as NumPy has it, or the mistake is named", () => {
  fc.assert(
    fc.property(fc.oneof(compatible(2), anyShapes), ([a, b]) => {
      const expected = broadcast(a!, b!);
      const make = () => add(input("a", "float32", a!), input("b", "float32", b!));
      if (expected) expect(make().shape).toEqual(expected);
      else expect(make).toThrow(GraphError);
    }),
    { numRuns: 1000 },
  );
});

test("named sizes broadcast like the numbers they stand for", () => {
  fc.assert(
    fc.property(compatible(3), (shapes) => {
      // 2, 3 and 4 get names; 0 and 1 stay, as a name never stands for 1.
      const named = (shape: readonly number[]): Dim[] => shape.map((size) => (size < 2 ? size : `d${size}`));
      const [c, a, b] = shapes.map((shape, i) => input(`x${i}`, i === 0 ? "bool" : "float32", named(shape)));
      expect(where(c!, a!, b!).shape).toEqual(named(broadcast(...shapes)!));
    }),
    { numRuns: 300 },
  );
});

test("ONNX Runtime computes what loops over indices do", async () => {
  await fc.assert(
    fc.asyncProperty(compatible(3), fc.nat(), async (shapes, seed) => {
      const random = randoms(seed);
      const values = shapes.map((shape) => valuesFor(shape, random));
      const [a, b, c] = shapes.map((shape, i) => input(`x${i}`, "float32", shape));
      const [va, vb, vc] = values as [Value, Value, Value];
      const results = await evaluate(
        [a!, b!, c!].map((t, i) => [t, values[i]!] as const),
        {
          ...Object.fromEntries(Object.entries(REFERENCE).map(([name, [op]]) => [name, op(a!, b!)])),
          greater: greater(a!, b!),
          equal: equal(a!, b!),
          chosen: where(greater(a!, b!), c!, b!),
          three: max(a!, b!, c!),
          spread: expand(a!, broadcast(...shapes)!),
        },
      );
      const check = (name: string, shape: readonly number[], at: (index: number[]) => number) => {
        expect(results[name]!.dims, name).toEqual(shape);
        // One operation in float32 is the exact one, rounded.
        expect(Array.from(results[name]!.data, Number), name).toEqual(
          indicesOf(shape).map((i) => Math.fround(at(i))),
        );
      };
      const pair = broadcast(shapes[0]!, shapes[1]!)!;
      for (const [name, [, reference]] of Object.entries(REFERENCE))
        check(name, pair, (i) => reference(elementAt(va, i), elementAt(vb, i)));
      check("greater", pair, (i) => Number(elementAt(va, i) > elementAt(vb, i)));
      check("equal", pair, (i) => Number(elementAt(va, i) === elementAt(vb, i)));
      const triple = broadcast(...shapes)!;
      check("chosen", triple, (i) =>
        elementAt(va, i) > elementAt(vb, i) ? elementAt(vc, i) : elementAt(vb, i),
      );
      check("three", triple, (i) => Math.max(elementAt(va, i), elementAt(vb, i), elementAt(vc, i)));
      check("spread", triple, (i) => elementAt(va, i));
    }),
    { numRuns: 60 },
  );
});

test("matrix products broadcast over the leading axes", async () => {
  const sizes = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 3 })));
  await fc.assert(
    // ONNX Runtime's MatMul refuses an empty leading axis beside one of size 1.
    fc.asyncProperty(compatible(2, 1), sizes, fc.nat(), async (leading, [m, k, n], seed) => {
      const random = randoms(seed);
      const [left, right] = [
        [...leading[0]!, m!, k!],
        [...leading[1]!, k!, n!],
      ];
      const [va, vb] = [valuesFor(left, random), valuesFor(right, random)];
      const [a, b] = [input("a", "float32", left), input("b", "float32", right)];
      const { y } = await evaluate(
        [
          [a, va],
          [b, vb],
        ],
        { y: matmul(a, b) },
      );
      const shape = [...broadcast(...leading)!, m!, n!];
      expect(y!.dims).toEqual(shape);
      // Quarters of small whole numbers: sums of three products are exact.
      const expected = indicesOf(shape).map((index) => {
        const [batch, row, column] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
        return Array.from({ length: k! }, (_, i) => i).reduce(
          (sum, i) => sum + elementAt(va, [...batch, row, i]) * elementAt(vb, [...batch, i, column]),
          0,
        );
      });
      expect(Array.from(y!.data, Number)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});
