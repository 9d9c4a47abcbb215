/** For every operator: uses of it on which shape inference and gradients are checked. */
import { batchNormalization, cast, customVjp, loop, mul, reduceSum, scalar, shapeOf } from "../src/index.js";
import { ACTIVATION_SAMPLES } from "./samples/activations.js";
import { CONVOLUTION_SAMPLES } from "./samples/convolutions.js";
import { EDGE_SAMPLES } from "./samples/edges.js";
import { ELEMENTWISE_SAMPLES } from "./samples/elementwise.js";
import { INDEXING_SAMPLES } from "./samples/indexing.js";
import { LAYOUT_SAMPLES } from "./samples/layout.js";
import { LOSS_SAMPLES } from "./samples/losses.js";
import { LOWERING_SAMPLES } from "./samples/lowerings.js";
import { MATRIX_SAMPLES } from "./samples/matrices.js";
import { NORMALIZATION_SAMPLES } from "./samples/normalizations.js";
import { PRODUCT_SAMPLES } from "./samples/products.js";
import type { Sample } from "./samples/sample.js";
import { SPATIAL_SAMPLES } from "./samples/spatial.js";

export type { Sample };

const linear = { polynomial: true } as const;

export const SAMPLES: readonly Sample[] = [
  ...ELEMENTWISE_SAMPLES,
  ...LAYOUT_SAMPLES,
  ...INDEXING_SAMPLES,
  ...MATRIX_SAMPLES,
  ...CONVOLUTION_SAMPLES,
  {
    ops: ["BatchNormalization"],
    name: "BatchNormalization",
    shapes: [["n", 3, 4], [3], [3], [3], [3]],
    range: [0.5, 2],
    build: (x, scale, bias, mean, variance) =>
      batchNormalization(x, { scale, bias, mean, variance, epsilon: 1e-5 }),
  },
  {
    ops: ["Shape"],
    name: "Shape",
    shapes: [["n", 3]],
    ...linear,
    build: (x) => mul(x, cast(reduceSum(shapeOf(x), {}), x.dtype)),
  },
  { ops: ["Identity"], name: "Identity", shapes: [["n", 3]], ...linear, build: (x) => x },
  {
    ops: ["CustomVjp"],
    name: "customVjp",
    shapes: [["n", 3]],
    ...linear,
    build: (x) => customVjp([mul(x, 3)], [x], (g) => [mul(g!, 3)])[0]!,
  },
  ...ACTIVATION_SAMPLES,
  ...EDGE_SAMPLES,
  ...LOSS_SAMPLES,
  ...LOWERING_SAMPLES,
  ...NORMALIZATION_SAMPLES,
  ...PRODUCT_SAMPLES,
  ...SPATIAL_SAMPLES,
  {
    ops: ["Loop"],
    name: "Loop",
    shapes: [["n", 3]],
    forward: true,
    build: (x) => {
      const r = loop({ trips: scalar(3, "int64"), steps: "3", carried: [x] }, (_, [y]) => ({
        carried: [mul(y!, 2)],
        collected: [y!],
      }));
      return r.carried[0]!;
    },
  },
];
