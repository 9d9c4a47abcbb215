/** A trained network as ONNX Runtime's CPU kernels compute it faster. */
import { buildModel } from "../build.js";
import { foldBatchNorms } from "../diet/fold-batch-norms.js";
import { withoutDead } from "../diet/without-dead.js";
import { importModel } from "../import.js";
import type { Model } from "../model.js";
import { applyAll } from "../op.js";
import { transposed } from "../ops/transpose.js";
import { input, type NodeSource, type Tensor, topological } from "../tensor.js";
import { type Blocks, convTransposeInBlocks, imageOf, nodeInBlocks } from "./blocks.js";
import { cpu } from "./cpu.js";
import { geometryOf, imageGeometry } from "./geometry.js";

/**
 * The same network with its transposed convolutions as products of matrices, and batch norms with fixed statistics within
 * the convolutions before them. ONNX Runtime's ConvTranspose takes one image at a time and reads all weights for each. The
 * other convolutions stay: it has good kernels for them where weights are constants.
 *
 * @param model a graph whose weights are inside. One with graphs in its nodes (Loop, If) comes back as it is.
 * @returns results differ by rounding alone.
 * @throws GraphError for operators that the builder has not.
 */
export function forCpu(model: Model): Model {
  const { graph, metadata } = model;
  const hasBodies = graph.nodes.some(({ attributes }) =>
    Object.values(attributes).some(({ type }) => type === "graph"),
  );
  if (hasBodies) return model;
  const folded = { ...model, graph: withoutDead(foldBatchNorms(graph)) };
  const inputs = graph.inputs.map(({ name, dtype, shape }) => input(name, dtype, shape));
  const imported = importModel(
    folded,
    Object.fromEntries(graph.inputs.map(({ name }, i) => [name, inputs[i]!])),
  );
  const tensors = topological(Object.values(imported.outputs));
  const nodes = new Set(tensors.flatMap(({ source }) => (source.kind === "node" ? [source] : [])));
  const made = new Map<NodeSource, readonly Tensor[]>();
  const anew = (t: Tensor): Tensor => (t.source.kind === "node" ? made.get(t.source)![t.index]! : t);
  const blocksOf = new Map<Tensor, Blocks>();
  for (const node of nodes) {
    const operands = node.inputs.map((t) => t && anew(t));
    const blocks = inBlocks(node, operands, blocksOf);
    const image = blocks && imageOf(blocks);
    if (image) blocksOf.set(image, blocks);
    made.set(node, image ? [image] : inForm(node, operands));
  }
  const outputs = Object.fromEntries(Object.entries(imported.outputs).map(([name, t]) => [name, anew(t)]));
  return buildModel({ name: graph.name, inputs, outputs, metadata });
}

/** The node with its image in blocks, where it makes such a one or goes on with it. */
function inBlocks(
  node: NodeSource,
  operands: readonly (Tensor | undefined)[],
  blocksOf: ReadonlyMap<Tensor, Blocks>,
): Blocks | undefined {
  const geometry = geometryOf(node);
  if (!geometry || node.op.name !== "ConvTranspose") return nodeInBlocks(node, operands, blocksOf, geometry);
  const [y, weight, bias] = operands;
  const g = imageGeometry("small", y!.shape, weight!.shape, geometry);
  return g && convTransposeInBlocks(y!, weight!, bias, g);
}

/** The node of other operands, simplified anew: so layouts meet that stood apart. */
function inForm(node: NodeSource, operands: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [x, weight, bias] = operands;
  const geometry = geometryOf(node);
  if (geometry && node.op.name === "ConvTranspose") {
    return [cpu.convTranspose2d(x!, weight!, bias, geometry)];
  }
  // A small product, less than turning what it reads.
  if (geometry && node.op.name === "Conv" && geometry.kernel.every((k) => k === 1) && isTurned(x!)) {
    return [cpu.conv2d(x!, weight!, bias, geometry)];
  }
  return applyAll(node.op, operands, node.attributes, node.outputs.length);
}

/** Whether x lies as [N,H,W,C] and is turned for a reader that wants [N,C,H,W]. */
const isTurned = (x: Tensor): boolean => transposed(x)?.perm.join() === "0,3,1,2";
