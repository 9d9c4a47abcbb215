/** The same computations in the operators that nearly every runtime has. */
import { GraphError } from "../errors.js";
import { importModel } from "../import.js";
import type { Model, ModelGraph, ModelInitializer, ModelNode } from "../model.js";
import type { Tensor } from "../tensor.js";
import { foldBatchNorms } from "./fold-batch-norms.js";
import { convolveTransposes } from "./transposed-convolutions.js";
import { withoutDead } from "./without-dead.js";

/** Operator-set version of a diet's files: every reader of the last years knows it. */
export const DIET_OPSET = 13;

/** ONNX's operators that mean the same, written the same, from operator set 13 to what the builder writes. */
const OPERATORS = new Set(
  (
    "Add AveragePool BatchNormalization Cast Clip Concat Conv ConvTranspose Cos Div Exp Floor Gemm Identity MatMul " +
    "MaxPool Mul Neg Relu Reshape Sigmoid Sin Slice Softmax Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze"
  ).split(" "),
);

/**
 * Rewrites a graph whose weights are inside: batch norms go into the convolutions before them, transposed convolutions
 * become convolutions, comparisons of integers and Expand become arithmetic. Results differ by rounding alone.
 * @throws GraphError naming the first node that cannot be written so.
 */
export function diet(model: Model): Model {
  const { values } = importModel(model);
  const folded = convolveTransposes(foldBatchNorms(model.graph), values);
  const graph = withoutDead(plain(folded, values));
  checkDiet(graph);
  return { ...model, graph, opset: DIET_OPSET };
}

/** @throws GraphError naming the first node that is none of the diet's operators. */
export function checkDiet(graph: ModelGraph): void {
  const other = graph.nodes.find(({ opType, domain }) => domain !== undefined || !OPERATORS.has(opType));
  if (other === undefined) return;
  throw new GraphError(
    `diet: node "${other.name}" is ${other.opType}, which has no form in the most portable operators; export without --diet`,
  );
}

const FLOAT32 = { type: "int", value: 1 } as const;
type Values = ReadonlyMap<string, Tensor>;

/** Equal of integers and Expand, written with arithmetic; Reshape without zeros. */
function plain(graph: ModelGraph, values: Values): ModelGraph {
  const initializers: ModelInitializer[] = [...graph.initializers];
  const constant = (name: string, shape: readonly number[], value: number): string => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    initializers.push({ name, dtype: "float32", shape, data: new Float32Array(size).fill(value) });
    return name;
  };
  const rewrites: Readonly<Record<string, (node: ModelNode) => readonly ModelNode[]>> = {
    Equal: (node) => (values.get(node.inputs[0]!)?.dtype === "int32" ? equalAsFloat(node, constant) : [node]),
    Expand: (node) => [expandAsMul(node, values, constant)],
    Reshape: (node) => [reshapeBySizes(node, initializers)],
  };
  const nodes = graph.nodes.flatMap((node) => rewrites[node.opType]?.(node) ?? [node]);
  return { ...graph, nodes, initializers };
}

type Shape = Tensor["shape"];
type Constant = (name: string, shape: readonly number[], value: number) => string;

/** 1 where two integers are equal, else 0, in float32: relu(1 - |a - b|). The Cast that follows has nothing to do. */
function equalAsFloat({ name, inputs, outputs }: ModelNode, constant: Constant): ModelNode[] {
  const out = outputs[0]!;
  const own = (suffix: string): string => `${out}.${suffix}`;
  const step = (opType: string, from: readonly string[], to: string, attributes = {}): ModelNode => ({
    name: `${name}/${to}`,
    opType,
    inputs: from,
    outputs: [to],
    attributes,
  });
  const [a, b] = [own("a"), own("b")];
  return [
    step("Cast", [inputs[0]!], a, { to: FLOAT32 }),
    step("Cast", [inputs[1]!], b, { to: FLOAT32 }),
    step("Sub", [a, b], own("above")),
    step("Sub", [b, a], own("below")),
    step("Relu", [own("above")], own("above_0")),
    step("Relu", [own("below")], own("below_0")),
    step("Add", [own("above_0"), own("below_0")], own("distance")),
    step("Sub", [constant(own("one"), [], 1), own("distance")], own("nearness")),
    step("Relu", [own("nearness")], out),
  ];
}

/** Times ones, where the sizes that grow are known. @throws GraphError if one is not. */
function expandAsMul(node: ModelNode, values: Values, constant: Constant): ModelNode {
  const [data, out] = [node.inputs[0]!, node.outputs[0]!];
  const [from, to] = [data, out].map((name) => values.get(name)!.shape) as [Shape, Shape];
  const ones = to.map((dim, i) => {
    const before = from[from.length - to.length + i] ?? 1;
    if (`${before}` === `${dim}`) return 1;
    if (typeof dim === "number") return dim;
    throw new GraphError(
      `diet: node "${node.name}" (Expand) makes [${to.join(", ")}] of [${from.join(", ")}], expected fixed sizes where it grows; export without --diet`,
    );
  });
  return { ...node, opType: "Mul", inputs: [data, constant(`${out}.ones`, ones, 1)], attributes: {} };
}

/** A 0 in the new shape, which takes over a size, becomes the one -1 that is found from the others. */
function reshapeBySizes(node: ModelNode, initializers: ModelInitializer[]): ModelNode {
  const [data, shape] = node.inputs;
  const given = initializers.find(({ name }) => name === shape);
  if (!(given?.data instanceof BigInt64Array)) return node;
  const sizes = given.data;
  const isOne = sizes.filter((size) => size <= 0n).length === 1 && sizes.includes(0n);
  if (!isOne || node.attributes.allowzero?.value === 1) return node;
  const name = `${node.outputs[0]}.sizes`;
  initializers.push({ ...given, name, data: sizes.map((size) => (size === 0n ? -1n : size)) });
  return { ...node, inputs: [data!, name] };
}
