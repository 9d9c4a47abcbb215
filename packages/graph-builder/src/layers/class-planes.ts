import type { Dim } from "../dim.js";
import { cast, equal, expand, reshape } from "../ops/index.js";
import { constant, type Tensor } from "../tensor.js";

/** Labels [N] int32 -> one-hot float32 [N, classes]; a label outside 0..classes-1 gives zeros. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  // A comparison with 0..classes-1: OneHot has no WebGPU kernel.
  const all = constant(
    "int32",
    [1, classes],
    Array.from({ length: classes }, (_, i) => i),
  );
  return cast(equal(reshape(labels, [labels.shape[0]!, 1]), all), "float32");
}

/** One-hot labels as images: [N] int32 -> [N, classes, height, width]. */
export function classPlanes(labels: Tensor, classes: number, [height, width]: readonly [Dim, Dim]): Tensor {
  const batch = labels.shape[0]!;
  const pixel = reshape(oneHot(labels, classes), [batch, classes, 1, 1]);
  return expand(pixel, [batch, classes, height, width], [labels]);
}
