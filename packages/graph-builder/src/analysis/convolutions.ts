/** The convolutions of a network by their sizes: what a form can be chosen for. */
import { shapeKey } from "@onnx-diffusion/diffusion";
import { importModel } from "../import.js";
import { geometryOf, imageGeometry, type Side } from "../lowering/geometry.js";
import type { ImageGeometry } from "../lowering/products.js";
import type { Model } from "../model.js";
import { topological } from "../tensor.js";

/** Convolutions of one shape, as a network has them. */
export interface Convolution extends ImageGeometry {
  /** Where the input is: on the large side, or on the small one of a transposed convolution. The first one's. */
  readonly side: Side;
  /** Whether any adds a bias. */
  readonly bias: boolean;
  /** Whether training takes the gradient by the input of any. */
  readonly inputGradient: boolean;
  /** How many there are. */
  readonly count: number;
}

/**
 * The convolutions and transposed ones of a graph without gradients, such as `inference_model`, in their order. Left out are
 * those with groups, dilations or sizes known only when the graph runs, and those whose stride does not come out even.
 *
 * @param parameters - names of the weights that are trained.
 * @throws GraphError for operators that the builder has not.
 */
export function convolutionsOf(model: Model, parameters: readonly string[]): Convolution[] {
  const { values, outputs } = importModel(model);
  const learned = new Set(parameters.map((name) => values.get(name)));
  const found = new Map<string, Convolution>();
  for (const tensor of topological(Object.values(outputs))) {
    const { source } = tensor;
    if (source.kind !== "node") continue;
    if (source.inputs.some((operand) => operand && learned.has(operand))) learned.add(tensor);
    const geometry = geometryOf(source);
    if (!geometry) continue;
    const [x, weight, bias] = source.inputs;
    const side = source.op.name === "Conv" ? "large" : "small";
    const g = imageGeometry(side, x!.shape, weight!.shape, geometry);
    if (!g) continue;
    const key = shapeKey(g);
    const before = found.get(key);
    found.set(key, {
      ...g,
      side: before?.side ?? side,
      bias: (before?.bias ?? false) || bias !== undefined,
      inputGradient: (before?.inputGradient ?? false) || learned.has(x),
      count: (before?.count ?? 0) + 1,
    });
  }
  return [...found.values()];
}
