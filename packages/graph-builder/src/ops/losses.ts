/** Losses of classifiers. */
import { formatShape, sameShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { type Call, defineReading } from "../op.js";
import type { Tensor } from "../tensor.js";
import { div, mul, neg } from "./arithmetic.js";
import { equal, not, where } from "./compare.js";
import { like } from "./elementwise.js";
import { gather } from "./gather.js";
import { gatherElements } from "./gather-elements.js";
import { reduceMean, reduceSum } from "./reduce.js";
import { logSoftmax } from "./softmax.js";
import { squeeze, unsqueeze } from "./squeeze.js";

/** How the losses of single targets are weighed and put together. */
export interface LossOptions {
  /** The factor of each class, [C]. Default: 1. */
  readonly weight?: Tensor;
  /** Targets of this class count nothing. */
  readonly ignoreIndex?: number;
  /** "mean" divides by the sum of the factors. Default: "mean". */
  readonly reduction?: "mean" | "sum" | "none";
}

/**
 * The negative logarithm of each target's probability, as torch.nn.functional.nll_loss.
 * @param logProbs - logarithms of probabilities [N, C, ...].
 * @param target - classes [N, ...], int32 or int64, 0..C-1.
 * @returns a scalar, or [N, ...] without reduction.
 * @throws GraphError where the shapes do not fit.
 */
export function nllLoss(
  logProbs: Tensor,
  target: Tensor,
  { weight, ignoreIndex, reduction = "mean" }: LossOptions = {},
): Tensor {
  const [batch, , ...places] = logProbs.shape;
  if (batch === undefined || logProbs.shape.length < 2 || !sameShape(target.shape, [batch, ...places])) {
    throw new GraphError(
      `nllLoss: the classes are ${formatShape(logProbs.shape)} and the target ${formatShape(target.shape)}, expected [N, C, ...] and [N, ...]`,
    );
  }
  const counted = ignoreIndex === undefined ? undefined : not(equal(target, like(target, ignoreIndex)));
  // What is ignored may be no class at all.
  const label = counted ? where(counted, target, like(target, 0)) : target;
  const ofClass = weight && gather(weight, label);
  const none = like(logProbs, 0);
  const factor = counted ? where(counted, ofClass ?? like(logProbs, 1), none) : ofClass;
  const found = squeeze(gatherElements(logProbs, unsqueeze(label, [1]), 1), [1]);
  const losses = neg(factor ? mul(found, factor) : found);
  if (reduction === "none") return losses;
  if (reduction === "sum") return reduceSum(losses);
  return factor ? div(reduceSum(losses), reduceSum(factor)) : reduceMean(losses);
}

/**
 * `nllLoss` of the softmax of scores [N, C, ...], as torch.nn.functional.cross_entropy.
 * @throws GraphError where the shapes do not fit.
 */
export const crossEntropy = (scores: Tensor, target: Tensor, options: LossOptions = {}): Tensor =>
  nllLoss(logSoftmax(scores, 1), target, options);

function optionsOf({ attributes, inputs, fail }: Call): LossOptions {
  const { ignore_index, reduction = "mean" } = attributes;
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none")
    return fail(`the reduction is "${reduction}", expected "mean", "sum" or "none"`);
  return {
    reduction,
    ...(inputs[2] ? { weight: inputs[2] } : {}),
    ...(ignore_index === undefined ? {} : { ignoreIndex: ignore_index as number }),
  };
}

const ATTRIBUTES = { ignore_index: "int", reduction: "string" } as const;

const nllReading = defineReading("NegativeLogLikelihoodLoss", {
  since: 12,
  attributes: ATTRIBUTES,
  read: (call) => [nllLoss(call.input(0), call.input(1), optionsOf(call))],
});

const crossEntropyReading = defineReading("SoftmaxCrossEntropyLoss", {
  since: 12,
  attributes: ATTRIBUTES,
  read(call) {
    const logProbs = logSoftmax(call.input(0), 1);
    return [nllLoss(logProbs, call.input(1), optionsOf(call)), logProbs];
  },
});

export default [nllReading, crossEntropyReading];
