import type { ModelNode } from "@onnx-diffusion/graph-builder";
import type { FormSource } from "./form.js";
import { LARGEST_HALF } from "./half.js";

/**
 * The same network with running variances that float16 holds: a batch norm gives (x - mean) scale / sqrt(variance + epsilon),
 * which stays as it is when variance and epsilon are divided by 4 and the scale by 2, as often as it takes. Powers of two
 * round nothing.
 */
export function normsWithinHalf(source: FormSource): FormSource {
  const weights = new Map(source.weights);
  const nodes = source.model.graph.nodes.map((node) => {
    if (node.opType !== "BatchNormalization") return node;
    const [, scale, , , variance] = node.inputs as [string, string, string, string, string];
    const times = halvings(source.weights.get(variance));
    if (times === 0) return node;
    weights.set(
      variance,
      source.weights.get(variance)!.map((value) => value / 4 ** times),
    );
    weights.set(
      scale,
      source.weights.get(scale)!.map((value) => value / 2 ** times),
    );
    return withEpsilon(node, epsilonOf(node) / 4 ** times);
  });
  return { ...source, weights, model: { ...source.model, graph: { ...source.model.graph, nodes } } };
}

/** How often the scale is halved; undefined variances are no weights. */
function halvings(variance: Float32Array | undefined): number {
  const largest = variance?.reduce((most, value) => Math.max(most, value), 0) ?? 0;
  return Math.max(0, Math.ceil(Math.log2(largest / LARGEST_HALF) / 2));
}

/** ONNX's default. */
const EPSILON = 1e-5;

const epsilonOf = ({ attributes: { epsilon } }: ModelNode): number => Number(epsilon?.value ?? EPSILON);

const withEpsilon = (node: ModelNode, value: number): ModelNode => ({
  ...node,
  attributes: { ...node.attributes, epsilon: { type: "float", value } },
});
