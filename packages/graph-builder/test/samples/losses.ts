/** Losses of classifiers. */
import { crossEntropy, expand, type LossOptions, nllLoss, type Tensor } from "../../src/index.js";
import { constant } from "../../src/tensor.js";
import type { Sample } from "./sample.js";

const target = constant("int64", [4], [2, 0, 7, 2]);
const pixels = constant("int32", [1, 3], [1, 0, 1]);

const of = (name: string, options: LossOptions, weighted = false): Sample => ({
  ops: ["GatherElements"],
  name: `nllLoss ${name}`,
  shapes: [[4, 3], ...(weighted ? [[3]] : [])],
  range: [0.5, 2],
  build: (x, weight) =>
    nllLoss(x, target, { ignoreIndex: 7, ...options, ...(weighted ? { weight: weight! } : {}) }),
});

export const LOSS_SAMPLES: readonly Sample[] = [
  of("mean without the ignored", {}),
  of("mean, weighted", {}, true),
  of("sum, weighted", { reduction: "sum" }, true),
  of("of each", { reduction: "none" }),
  {
    ops: ["LogSoftmax", "GatherElements"],
    name: "crossEntropy of pixels",
    shapes: [["n", 2, 3]],
    build: (x: Tensor) => crossEntropy(x, expand(pixels, ["n", 3], [x])),
  },
];
