import type { ModelGraph, ModelInitializer, ModelNode } from "../model.js";

/** Where a weight's output channel lies: Conv has it first, ConvTranspose (of one group) second. */
const CHANNEL_AXIS: Readonly<Record<string, number>> = { Conv: 0, ConvTranspose: 1 };

/**
 * A batch norm with fixed statistics is a factor and a shift for each channel; a convolution that it alone follows takes
 * both into its weight and bias. The others stay.
 */
export function foldBatchNorms(graph: ModelGraph): ModelGraph {
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  const uses = new Map<string, number>(graph.outputs.map(({ name }) => [name, 2]));
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  const constants = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
  const added: ModelInitializer[] = [];
  const folded = new Map<ModelNode, ModelNode | undefined>();
  for (const norm of graph.nodes) {
    if (norm.opType !== "BatchNormalization") continue;
    const conv = producers.get(norm.inputs[0]!);
    if (conv === undefined || uses.get(conv.outputs[0]!) !== 1) continue;
    const found = fold(conv, norm, (name) => floats(constants.get(name)));
    if (found === undefined) continue;
    const [weight, bias] = [`${conv.inputs[1]}.${norm.name}`, `${norm.outputs[0]}.shift`];
    const { shape } = constants.get(conv.inputs[1]!)!;
    added.push(
      { name: weight, dtype: "float32", shape, data: found.weight },
      { name: bias, dtype: "float32", shape: [found.bias.length], data: found.bias },
    );
    folded.set(conv, undefined);
    folded.set(norm, {
      ...conv,
      inputs: [conv.inputs[0]!, weight, bias],
      outputs: [norm.outputs[0]!],
    });
  }
  const nodes = graph.nodes.flatMap((node) => {
    if (!folded.has(node)) return [node];
    const replacement = folded.get(node);
    return replacement ? [replacement] : [];
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...added] };
}

interface Folded {
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** weight * scale / sqrt(var + eps); (bias - mean) * scale / sqrt(var + eps) + B. Undefined where a value is not known. */
function fold(
  conv: ModelNode,
  norm: ModelNode,
  read: (name: string) => readonly [Float32Array, readonly number[]] | undefined,
): Folded | undefined {
  const axis = CHANNEL_AXIS[conv.opType];
  const kernel = read(conv.inputs[1]!);
  const [scale, shift, mean, variance] = norm.inputs.slice(1).map((name) => read(name)?.[0]);
  const own = conv.inputs[2] ? read(conv.inputs[2])?.[0] : new Float32Array(scale?.length ?? 0);
  const hasGroups = Number(conv.attributes.group?.value ?? 1) !== 1;
  if (axis === undefined || !kernel || !own || !scale || !shift || !mean || !variance) return undefined;
  if (hasGroups && axis === 1) return undefined;
  const epsilon = Number(norm.attributes.epsilon?.value ?? 1e-5);
  const factors = Float64Array.from(scale, (s, c) => s / Math.sqrt(variance[c]! + epsilon));
  const [values, shape] = kernel;
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const weight = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++)
    weight[i] = values[i]! * factors[Math.floor(i / inner) % shape[axis]!]!;
  return {
    weight,
    bias: Float32Array.from(factors, (factor, c) => (own[c]! - mean[c]!) * factor + shift[c]!),
  };
}

function floats(
  constant: ModelInitializer | undefined,
): readonly [Float32Array, readonly number[]] | undefined {
  return constant?.data instanceof Float32Array ? [constant.data, constant.shape] : undefined;
}
