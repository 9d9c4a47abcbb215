/** A network that leans towards the class that it is asked for. */
import { buildModel } from "../build.js";
import { mulDims } from "../dim.js";
import { GraphError } from "../errors.js";
import { importModel } from "../import.js";
import type { Model } from "../model.js";
import { add, concat, div, matmul, mul, reshape, sub } from "../ops/index.js";
import { constant, input, scalar, type Tensor } from "../tensor.js";
import { imageOf } from "./sampler.js";

/** How the guided network is made. */
export interface GuidanceOptions {
  /** Number of classes, at least 2. */
  readonly classes: number;
  /** The weight w: above 0, seldom above 10. */
  readonly guidance: number;
}

/**
 * The network with guidance inside: `sample`, `timestep`, `class_labels` -> `out_sample` =
 * (1 + w) net(x, y) - w net(x, y'), where y' is another class, each in its turn as t goes down.
 *
 * Classifier-free guidance (Ho and Salimans 2022, equation 6) with another class in the place of none: networks that have
 * never been asked without a class can be guided so. Both questions go through the network as one batch of 2 N.
 *
 * @param network `inference_model` of a model with classes; `timestep` becomes an input where it had none.
 * @throws GraphError for a network without classes, or without images of a fixed size.
 */
export function guidedModel(network: Model, { classes, guidance }: GuidanceOptions): Model {
  const { channels, height, width } = imageOf(network);
  const takes = (name: string): boolean => network.graph.inputs.some((value) => value.name === name);
  if (!takes("class_labels") || classes < 2) {
    throw new GraphError(
      `guidance of "${network.graph.name}": found ${takes("class_labels") ? "one class" : "no input class_labels"}, expected a network of two classes or more`,
    );
  }
  const sample = input("sample", "float32", ["batch", channels, height, width]);
  const timestep = input("timestep", "int32", ["batch"]);
  const labels = input("class_labels", "int32", ["batch"]);

  const int32 = (value: number): Tensor => scalar(value, "int32");
  // not Mod, which few providers for GPUs have
  const remainder = (a: Tensor, n: number): Tensor => sub(a, mul(div(a, int32(n)), int32(n)));
  const distance = add(remainder(timestep, classes - 1), int32(1));
  const others = remainder(add(labels, distance), classes);

  const twice = (t: Tensor): Tensor => concat([t, t], 0);
  const feeds = {
    sample: twice(sample),
    ...(takes("timestep") ? { timestep: twice(timestep) } : {}),
    class_labels: concat([labels, others], 0),
  };
  const { out_sample: both } = importModel(network, feeds).outputs;
  // [w_1, w_2] [net(y); net(y')] as one product
  const pairs = reshape(both!, [2, mulDims("batch", channels * height * width)]);
  const weights = constant("float32", [1, 2], [1 + guidance, -guidance], "guidance");
  const { name } = network.graph;
  return buildModel({
    name: `${name}.guided`,
    inputs: [sample, timestep, labels],
    outputs: { out_sample: reshape(matmul(weights, pairs), sample.shape) },
    metadata: network.metadata,
  });
}
