/** A whole sampler without a Loop, a table or wide types: its rows one after the other, for runtimes that have none. */
import type { SamplerRow } from "@onnx-diffusion/diffusion";
import { buildModel } from "../build.js";
import { checkDiet, DIET_OPSET, diet } from "../diet/diet.js";
import { importModel } from "../import.js";
import type { Model } from "../model.js";
import { add, cast, clip, floor, mul, reshape, sliceAxis, transpose } from "../ops/index.js";
import { substitute } from "../substitute.js";
import { input, scalar, type Tensor } from "../tensor.js";
import { imageOf, type SamplerModelOptions } from "./sampler.js";

/**
 * As `samplerModel` with `noise: "input"`, in the operators of `diet`. Sums are taken in float32, which moves a pixel by a
 * level at most; the file has a copy of the network's nodes for each row, and its weights once.
 * @throws GraphError for a network of other inputs, or one that `diet` cannot write.
 */
export function unrolledSamplerModel({
  network,
  rows,
  range: [low, high],
  metadata = {},
}: Omit<SamplerModelOptions, "noise">): Model {
  const { channels, height, width } = imageOf(network);
  const { inputs, outputs } = importModel(diet(network));
  const image = ["batch", channels, height, width];
  const start = input("noise", "float32", image);
  const stepNoise = input("step_noise", "float32", [rows.length, ...image]);
  const isStochastic = rows.some((row) => row.noise !== 0);
  // int32 [N] of zeros, by operators that every runtime has
  const corner = [1, 2, 3].reduce((t, axis) => sliceAxis(t, axis, 0, 1), start);
  const zeros = mul(cast(reshape(corner, ["batch"]), "int32"), scalar(0, "int32"));

  let x = start;
  let before: readonly Tensor[] = [];
  for (const [index, row] of rows.entries()) {
    const feeds = new Map([[inputs.sample!, x]]);
    if (inputs.timestep) feeds.set(inputs.timestep, add(zeros, scalar(row.timestep, "int32")));
    const [eps] = substitute([outputs.out_sample!], feeds);
    const estimates = [weighted([x, eps!], row.estimate), ...before];
    const noise = row.noise === 0 ? [] : [[stepOf(stepNoise, index), row.noise] as const];
    x = sumOf([[x, row.x], ...pairs(estimates, row.estimates), ...noise]);
    before = estimates.slice(0, memoryOf(rows) - 1);
  }
  const scaled = mul(add(clip(x, { min: low, max: high }), -low), 255 / (high - low));
  const images = transpose(cast(floor(add(scaled, 0.5)), "uint8"), [0, 2, 3, 1]);
  const labels = inputs.class_labels ? [inputs.class_labels] : [];
  const model = buildModel({
    name: `${network.graph.name}.sampler`,
    inputs: [start, ...(isStochastic ? [stepNoise] : []), ...labels],
    outputs: { images },
    metadata,
  });
  checkDiet(model.graph);
  return { ...model, opset: DIET_OPSET };
}

const memoryOf = (rows: readonly SamplerRow[]): number =>
  Math.max(...rows.map((row) => row.estimates.length));

const pairs = (tensors: readonly Tensor[], weights: readonly number[]) =>
  tensors.map((t, i) => [t, weights[i] ?? 0] as const);

const weighted = (tensors: readonly Tensor[], weights: readonly number[]): Tensor =>
  sumOf(pairs(tensors, weights));

/** The sum of tensors times weights, without those of weight 0. */
function sumOf(terms: readonly (readonly [Tensor, number])[]): Tensor {
  const products = terms.filter(([, weight]) => weight !== 0).map(([t, weight]) => mul(t, weight));
  return products.reduce((sum, product) => add(sum, product));
}

/** Row `index` of [rows,N,C,H,W]. */
function stepOf(noise: Tensor, index: number): Tensor {
  return reshape(sliceAxis(noise, 0, index, index + 1), noise.shape.slice(1));
}
