import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  branch,
  buildModel,
  concat,
  constant,
  exp,
  GraphError,
  greater,
  importModel,
  input,
  loop,
  type Model,
  type ModelGraph,
  matmul,
  mul,
  readOnnx,
  reduceSum,
  relu,
  reshape,
  scalar,
  sin,
  stopGradient,
  sub,
  type Tensor,
  transpose,
  writeOnnx,
} from "../src/index.js";
import { evaluate, floats } from "./run.js";

const opTypes = (model: Model) => model.graph.nodes.map((n) => n.opType);
const x = input("x", "float32", ["n", 4]);

describe("buildModel", () => {
  test("writes an equal computation once, an unused one not at all", () => {
    const unused = exp(x);
    const model = buildModel({ name: "m", inputs: [x], outputs: { y: add(mul(x, x), relu(mul(x, x))) } });
    expect(opTypes(model)).toEqual(["Mul", "Relu", "Add"]);
    expect(unused.shape).toEqual(["n", 4]);
  });

  test("joins equal constants, keeps different ones", () => {
    const model = buildModel({
      name: "m",
      inputs: [x],
      outputs: { y: add(mul(x, 2), mul(exp(x), 2)), z: mul(x, 3) },
    });
    expect(model.graph.initializers.map((i) => Array.from(i.data as Float32Array))).toEqual([[2], [3]]);
  });

  test("gives the same bytes for the same definition", () => {
    const make = () => {
      const a = input("a", "float32", [2, "n"]);
      return writeOnnx(buildModel({ name: "m", inputs: [a], outputs: { y: reduceSum(exp(a)), z: relu(a) } }));
    };
    expect(make()).toEqual(make());
  });

  test("gives outputs their names, also two for one value and an input handed through", async () => {
    const y = exp(x);
    const results = await evaluate([[x, floats([1, 4], [0, 0, 0, 0])]], { a: y, b: y, c: x, d: scalar(7) });
    expect(Object.entries(results).map(([name, { data }]) => [name, data[0]])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 0],
      ["d", 7],
    ]);
  });

  test("names an input that is needed and not declared", () => {
    const hidden = input("hidden", "float32", [4]);
    expect(() => buildModel({ name: "m", inputs: [x], outputs: { y: add(x, hidden) } })).toThrow(
      new GraphError(
        'buildModel: the outputs need the input "hidden" (float32 [4]), which is not among the declared inputs; add it',
      ),
    );
  });

  test("refuses two inputs of one name, and a computed one", () => {
    const again = input("x", "float32", [4]);
    expect(() => buildModel({ name: "m", inputs: [x, again], outputs: { y: add(x, again) } })).toThrow(
      /"x" is used by two/,
    );
    expect(() => buildModel({ name: "m", inputs: [exp(x)], outputs: { y: x } })).toThrow(
      /an input is computed/,
    );
  });

  test("writes nothing for an alias", () => {
    expect(opTypes(buildModel({ name: "m", inputs: [x], outputs: { y: exp(stopGradient(x)) } }))).toEqual([
      "Exp",
    ]);
  });

  test("builds chains deeper than the stack", () => {
    let y: Tensor = x;
    for (let i = 0; i < 20_000; i++) y = add(y, x);
    expect(buildModel({ name: "m", inputs: [x], outputs: { y } }).graph.nodes).toHaveLength(20_000);
  });

  test("computes what a loop does not change outside of it", async () => {
    const heavy = exp(x);
    const { carried } = loop({ trips: scalar(3, "int64"), carried: [x] }, (_, [y]) => ({
      carried: [add(y!, heavy)],
    }));
    const model = buildModel({ name: "m", inputs: [x], outputs: { y: carried[0]! } });
    expect(opTypes(model)).toEqual(["Exp", "Loop"]);
    const { y } = await evaluate([[x, floats([1, 4], [0, 0, 0, 0])]], { y: carried[0]! });
    expect(Array.from(y!.data as Float32Array)).toEqual([3, 3, 3, 3]);
  });

  test("nests loops", async () => {
    const inner = (y: Tensor) =>
      loop({ trips: scalar(2, "int64"), carried: [y] }, (_, [z]) => ({ carried: [add(z!, y)] })).carried[0]!;
    const { carried, collected } = loop(
      { trips: scalar(2, "int64"), steps: "t", carried: [x] },
      (_, [y]) => ({ carried: [inner(y!)], collected: [reduceSum(y!)] }),
    );
    const results = await evaluate([[x, floats([1, 4], [1, 1, 1, 1])]], {
      y: carried[0]!,
      sums: collected[0]!,
    });
    expect(Array.from(results.y!.data as Float32Array)).toEqual([9, 9, 9, 9]);
    expect(Array.from(results.sums!.data as Float32Array)).toEqual([4, 12]);
  });
});

describe("layouts", () => {
  const image = input("image", "float32", ["n", 3, 4, 4]);
  const nhwc = (t: Tensor) => transpose(t, [0, 2, 3, 1]);
  const nchw = (t: Tensor) => transpose(t, [0, 3, 1, 2]);

  test("opposite transposes cancel through arithmetic and concat", () => {
    const y = relu(mul(nchw(nhwc(image)), 2));
    expect(opTypes(buildModel({ name: "m", inputs: [image], outputs: { y } }))).toEqual(["Mul", "Relu"]);
    const inner = exp(nhwc(image));
    const joined = nhwc(concat([nchw(inner), nchw(relu(inner))], 1));
    expect(opTypes(buildModel({ name: "m", inputs: [image], outputs: { joined } }))).toEqual([
      "Exp",
      "Relu",
      "Concat",
      "Transpose",
    ]);
  });

  test("a transpose that moves axes of size 1 alone is a reshape", () => {
    const pixel = input("pixel", "float32", ["n", 1, 1, 8]);
    expect(opTypes(buildModel({ name: "m", inputs: [pixel], outputs: { y: nchw(pixel) } }))).toEqual([
      "Reshape",
    ]);
  });
});

/** Random expressions over two inputs. */
const expression: fc.Arbitrary<(a: Tensor, b: Tensor) => Tensor> = fc.letrec<{
  e: (a: Tensor, b: Tensor) => Tensor;
}>((tie) => ({
  e: fc.oneof(
    { depthSize: "small" },
    fc.constant((a: Tensor) => a),
    fc.constant((_: Tensor, b: Tensor) => b),
    fc.tuple(tie("e"), tie("e")).map(
      ([f, g]) =>
        (a: Tensor, b: Tensor) =>
          add(f(a, b), g(a, b)),
    ),
    fc.tuple(tie("e"), tie("e")).map(
      ([f, g]) =>
        (a: Tensor, b: Tensor) =>
          mul(f(a, b), g(a, b)),
    ),
    fc.tuple(tie("e"), tie("e")).map(
      ([f, g]) =>
        (a: Tensor, b: Tensor) =>
          sub(f(a, b), mul(g(a, b), 0.5)),
    ),
    tie("e").map((f) => (a: Tensor, b: Tensor) => relu(f(a, b))),
    tie("e").map((f) => (a: Tensor, b: Tensor) => transpose(transpose(f(a, b), [1, 0]), [1, 0])),
    tie("e").map((f) => (a: Tensor, b: Tensor) => reshape(reshape(f(a, b), [6]), [2, 3])),
    tie("e").map(
      (f) => (a: Tensor, b: Tensor) =>
        matmul(f(a, b), constant("float32", [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])),
    ),
  ),
})).e;

describe("files", () => {
  const [a, b] = [input("a", "float32", [2, 3]), input("b", "float32", [2, 3])];
  const values = [
    [a, floats([2, 3], [1, -2, 3, -0.5, 0.25, 0])],
    [b, floats([2, 3], [0.5, 1, -1, 2, -3, 0.125])],
  ] as const;

  test("what is read back and written again is the same file", () => {
    fc.assert(
      fc.property(expression, (f) => {
        const model = buildModel({
          name: "m",
          inputs: [a, b],
          outputs: { y: f(a, b) },
          metadata: { made: "here" },
        });
        const bytes = writeOnnx(model);
        expect(writeOnnx(readOnnx(bytes))).toEqual(bytes);
      }),
    );
  });

  test("handles of a read model compute the same", async () => {
    await fc.assert(
      fc.asyncProperty(expression, async (f) => {
        const { inputs, outputs } = importModel(
          readOnnx(writeOnnx(buildModel({ name: "m", inputs: [a, b], outputs: { y: f(a, b) } }))),
        );
        const before = await evaluate(values, { y: f(a, b) });
        const after = await evaluate(
          [
            [inputs.a!, values[0][1]],
            [inputs.b!, values[1][1]],
          ],
          { y: outputs.y! },
        );
        expect(after.y).toEqual(before.y);
      }),
      { numRuns: 30 },
    );
  });

  test("a loop survives reading", async () => {
    const { carried } = loop({ trips: scalar(3, "int64"), carried: [a] }, (_, [y]) => ({
      carried: [add(y!, b)],
    }));
    const { inputs, outputs } = importModel(
      readOnnx(writeOnnx(buildModel({ name: "m", inputs: [a, b], outputs: { y: carried[0]! } }))),
    );
    const results = await evaluate(
      [
        [inputs.a!, values[0][1]],
        [inputs.b!, values[1][1]],
      ],
      { y: outputs.y! },
    );
    expect(Array.from(results.y!.data as Float32Array)).toEqual([2.5, 1, 0, 5.5, -8.75, 0.375]);
  });

  test("computes with given tensors in the place of inputs", async () => {
    const model = buildModel({ name: "m", inputs: [x], outputs: { y: exp(x) } });
    const rows = input("rows", "float32", ["n", 2]);
    const { inputs, outputs } = importModel(model, { x: concat([rows, rows], 1) });
    expect(Object.keys(inputs)).toEqual(["x"]);
    const { y } = await evaluate([[rows, floats([1, 2], [0, 1])]], { y: outputs.y! });
    // exp(0) and exp(1), to float32's last digit.
    for (const [i, value] of [1, Math.E, 1, Math.E].entries())
      expect(Math.abs((y!.data[i] as number) - value)).toBeLessThan(3e-7);
  });

  test("refuses a given tensor of another name or type", () => {
    const model = buildModel({ name: "m", inputs: [x], outputs: { y: exp(x) } });
    expect(() => importModel(model, { z: x })).toThrow(
      'importModel: "z" is given, but the model\'s inputs are "x"; check the name',
    );
    for (const [given, type] of [
      [input("x", "int32", ["n", 4]), "int32 [n, 4]"],
      [input("x", "float32", ["n", 5]), "float32 [n, 5]"],
      [input("x", "float32", [4]), "float32 [4]"],
    ] as const) {
      expect(() => importModel(model, { x: given })).toThrow(
        `importModel: input "x" is given ${type}, the model expects float32 [n, 4]; convert it with cast() or reshape()`,
      );
    }
  });

  test("says what is wrong with a file", () => {
    expect(() => readOnnx(new TextEncoder().encode("not a model"))).toThrow(/not an ONNX model/);
    expect(() => readOnnx(new Uint8Array())).toThrow(/holds no graph/);
    const model = buildModel({ name: "m", inputs: [a], outputs: { y: exp(a) } });
    const [node] = model.graph.nodes;
    const renamed = {
      ...model,
      graph: { ...model.graph, nodes: [{ ...node!, opType: "NonMaxSuppression" }] },
    };
    expect(() => importModel(renamed)).toThrow(
      /^operators that are not supported: NonMaxSuppression \(node "Exp"\); write the model with supported ones /,
    );
    const loose = { ...model, graph: { ...model.graph, nodes: [{ ...node!, inputs: ["nowhere"] }] } };
    expect(() => importModel(loose)).toThrow(/^node "Exp": the value "nowhere" is neither an input nor/);
  });
});

test("a branch computes what it alone needs, and what both sides use is computed where each needs it", async () => {
  const x = input("x", "float32", [2]);
  const outer = mul(x, 2);
  const shared = exp(outer);
  const [chosen] = branch(
    greater(reduceSum(x), 0),
    () => [add(shared, outer)],
    () => [sin(outer)],
  );
  const built = buildModel({ name: "b", inputs: [x], outputs: { chosen: chosen!, after: mul(shared, 3) } });
  const types = (nodes: readonly { opType: string }[]) => nodes.map((n) => n.opType);
  expect(types(built.graph.nodes)).not.toContain("Sin");
  const node = built.graph.nodes.find((n) => n.opType === "If")!;
  expect(types((node.attributes.else_branch!.value as ModelGraph).nodes)).toContain("Sin");
  for (const [data, expected] of [
    [[0.5, 1], (v: number) => Math.exp(2 * v) + 2 * v],
    [[-0.5, -1], (v: number) => Math.sin(2 * v)],
  ] as const) {
    const { chosen: result, after } = await evaluate([[x, floats([2], data, "float32")]], {
      chosen: chosen!,
      after: mul(shared, 3),
    });
    data.forEach((v, i) => {
      // float32 functions of numbers below 10
      expect(Number(result!.data[i])).toBeCloseTo(expected(v), 5);
      expect(Number(after!.data[i])).toBeCloseTo(3 * Math.exp(2 * v), 4);
    });
  }
});

test("constants of the same hash stay two, the same constant one", () => {
  // FNV-1a, as build.ts has it: of some hundred thousand values two have the same 32 bits.
  const hashOf = (value: bigint): number =>
    new Uint8Array(BigInt64Array.of(value).buffer).reduce(
      (hash, byte) => Math.imul(hash ^ byte, 0x01000193),
      0x811c9dc5,
    );
  const seen = new Map<number, bigint>();
  let value = 1n;
  for (; !seen.has(hashOf(value)); value += 0x9e3779b1n) seen.set(hashOf(value), value);
  const pair = [seen.get(hashOf(value))!, value];
  const values = [...pair, ...pair].map((v) => constant("int64", [1], BigInt64Array.of(v)));
  const x = input("x", "int64", [1]);
  const { graph } = buildModel({ name: "pair", inputs: [x], outputs: { joined: concat([x, ...values], 0) } });
  expect(graph.initializers.map(({ data }) => (data as BigInt64Array)[0])).toEqual(pair);
});
