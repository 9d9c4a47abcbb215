/** Nodes that are read as others give what ONNX Runtime gives for them as they stand in the file. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Shape } from "../src/dim.js";
import { type DType, toTypedArray } from "../src/dtype.js";
import { importModel, type Model, type ModelAttribute, writeOnnx } from "../src/index.js";
import { evaluate, floats, randoms, type Value } from "./run.js";

interface Node {
  readonly name: string;
  readonly op: string;
  /** Shapes of floating-point inputs, or whole numbers in the file. */
  readonly inputs: readonly (Shape | { readonly dtype: DType; readonly values: readonly number[] })[];
  readonly attributes?: Readonly<Record<string, ModelAttribute>>;
  readonly outputs?: readonly DType[];
  readonly opset?: number;
}

const int = (value: number): ModelAttribute => ({ type: "int", value });
const ints = (...value: number[]): ModelAttribute => ({ type: "ints", value });
const float = (value: number): ModelAttribute => ({ type: "float", value });
const text = (value: string): ModelAttribute => ({ type: "string", value });

const transposed = (name: string, attributes: Node["attributes"]): Node => ({
  name: `ConvTranspose ${name}`,
  op: "ConvTranspose",
  inputs: [
    [1, 2, 4, 5],
    [2, 3, 3, 3],
  ],
  attributes: { strides: ints(2, 2), ...attributes },
});

const NODES: readonly Node[] = [
  transposed("of a size", { output_shape: ints(8, 10) }),
  transposed("of an odd surplus, more at the end", {
    output_shape: ints(8, 10),
    auto_pad: text("SAME_UPPER"),
  }),
  transposed("of a size beyond its own", { output_shape: ints(10, 12) }),
  transposed("of as many rows as strides", { auto_pad: text("SAME_UPPER") }),
  transposed("of as many rows as strides, less at the end", { auto_pad: text("SAME_LOWER") }),
  transposed("without pads", { auto_pad: text("VALID"), output_padding: ints(1, 0) }),
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map(
    (mode): Node => ({
      name: `Conv ${mode}`,
      op: "Conv",
      inputs: [
        [1, 2, 5, 6],
        [3, 2, 2, 2],
      ],
      attributes: { auto_pad: text(mode), strides: ints(1, 2) },
    }),
  ),
  ...["DCR", "CRD"].map(
    (mode): Node => ({
      name: `DepthToSpace ${mode}`,
      op: "DepthToSpace",
      inputs: [[1, 8, 2, 3]],
      attributes: { blocksize: int(2), mode: text(mode) },
    }),
  ),
  {
    name: "Upsample",
    op: "Upsample",
    inputs: [[1, 2, 3, 2], { dtype: "float32", values: [1, 1, 2, 1.5] }],
    opset: 9,
  },
  {
    name: "Upsample, linear",
    op: "Upsample",
    inputs: [[1, 2, 3, 2], { dtype: "float32", values: [1, 1, 2, 3] }],
    attributes: { mode: text("linear") },
    opset: 9,
  },
  {
    name: "Scatter",
    op: "Scatter",
    inputs: [[5], { dtype: "int64", values: [3, 0] }, [2]],
    opset: 9,
  },
  { name: "GlobalLpPool", op: "GlobalLpPool", inputs: [[2, 3, 4]], attributes: { p: int(3) } },
  {
    name: "LRN",
    op: "LRN",
    inputs: [[2, 5, 3, 2]],
    attributes: { size: int(3), alpha: float(0.2), beta: float(0.6), bias: float(1.5) },
  },
  { name: "Hardmax", op: "Hardmax", inputs: [[3, 4]], attributes: { axis: int(0) } },
  { name: "Shrink", op: "Shrink", inputs: [[12]], attributes: { lambd: float(0.3), bias: float(0.1) } },
  { name: "Dropout with its mask", op: "Dropout", inputs: [[4]], outputs: ["float32", "bool"], opset: 12 },
  {
    name: "Compress of all elements",
    op: "Compress",
    inputs: [[2, 3], { dtype: "bool", values: [1, 0, 0, 1, 1] }],
  },
  {
    name: "NonZero",
    op: "NonZero",
    inputs: [{ dtype: "int64", values: [0, 4, 0, -1] }],
    outputs: ["int64"],
  },
];

function modelOf(
  { op, inputs, attributes = {}, outputs = ["float32"], opset = 17 }: Node,
  shapes: readonly Shape[] = [],
): Model {
  const operands = inputs.map((input, i) => ({ name: `x${i}`, input }));
  return {
    graph: {
      name: "m",
      nodes: [
        {
          name: "here",
          opType: op,
          inputs: operands.map(({ name }) => name),
          outputs: outputs.map((_, i) => `y${i}`),
          attributes,
        },
      ],
      inputs: operands.flatMap(({ name, input }) =>
        "dtype" in input ? [] : [{ name, dtype: "float32" as const, shape: input }],
      ),
      outputs: outputs.map((dtype, i) => ({ name: `y${i}`, dtype, shape: shapes[i] ?? [] })),
      initializers: operands.flatMap(({ name, input }) => {
        if (!("dtype" in input)) return [];
        const { dtype, values } = input;
        return [{ name, dtype, shape: [values.length], data: toTypedArray(dtype, values) }];
      }),
    },
    opset,
    metadata: {},
  };
}

describe.each(NODES.map((n) => [n.name, n] as const))("%s", (_, node) => {
  test("is what ONNX Runtime computes", async () => {
    const read = importModel(modelOf(node));
    const model = modelOf(
      node,
      Object.values(read.outputs).map(({ shape }) => shape),
    );
    const random = randoms(7);
    const data = new Map<string, Value>(
      model.graph.inputs.map(({ name, shape }) => {
        const size = shape.reduce<number>((a, b) => a * Number(b), 1);
        return [
          name,
          floats(
            shape as number[],
            Array.from({ length: size }, () => random() * 2 - 1),
          ),
        ];
      }),
    );
    const session = await InferenceSession.create(writeOnnx(model), { logSeverityLevel: 4 });
    const expected = await session.run(
      Object.fromEntries(
        [...data].map(([name, v]) => [name, new OrtTensor("float32", v.data as Float32Array, v.dims)]),
      ),
    );
    const { inputs, outputs } = importModel(model);
    const found = await evaluate(
      Object.entries(inputs).map(([name, t]) => [t, data.get(name)!] as const),
      outputs,
    );
    for (const [name, t] of Object.entries(expected)) {
      expect(found[name]!.dims).toEqual(t.dims);
      expect(outputs[name]!.shape).toEqual(t.dims);
      const values = Array.from(t.data as Float32Array, Number);
      // float32 sums of a few dozen products round at 1e-6 of numbers near 1.
      Array.from(found[name]!.data as Float32Array, Number).forEach((value, i) => {
        expect(Math.abs(value - values[i]!)).toBeLessThan(1e-5);
      });
    }
  });
});
