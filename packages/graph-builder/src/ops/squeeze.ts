/** Axes of size 1, taken away and put in: Reshapes. */
import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import { type Call, defineReading } from "../op.js";
import type { Tensor } from "../tensor.js";
import { normalizeAxes } from "./axes.js";
import { constantValues } from "./constants.js";
import { reshape } from "./reshape.js";

/** Without the given axes of size 1, or all of them. https://onnx.ai/onnx/operators/onnx__Squeeze.html */
export function squeeze(x: Tensor, axes?: readonly number[]): Tensor {
  const gone = axes ? normalizeAxes(axes, x.shape) : x.shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  const wrong = gone.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined) {
    throw new GraphError(
      `squeeze: axis ${wrong} of ${formatShape(x.shape)} has size ${x.shape[wrong]}, expected 1; leave it out`,
    );
  }
  return reshape(
    x,
    x.shape.filter((_, i) => !gone.includes(i)),
  );
}

/** With axes of size 1 at the given places of the result. https://onnx.ai/onnx/operators/onnx__Unsqueeze.html */
export function unsqueeze(x: Tensor, axes: readonly number[]): Tensor {
  const rank = x.shape.length + axes.length;
  const places = normalizeAxes(
    axes,
    Array.from({ length: rank }, () => 1),
  );
  const rest = [...x.shape];
  return reshape(
    x,
    Array.from({ length: rank }, (_, i) => (places.includes(i) ? 1 : rest.shift()!)),
  );
}

function axesOf({ inputs, fail }: Call): readonly number[] | undefined {
  if (!inputs[1]) return undefined;
  return (
    constantValues(inputs[1]) ?? fail("the axes are computed when the graph runs; give them as a constant")
  );
}

const squeezeReading = defineReading("Squeeze", {
  since: 13,
  view: true,
  formerly: { axes: 1 },
  read: (call) => [squeeze(call.input(0), axesOf(call))],
});

const unsqueezeReading = defineReading("Unsqueeze", {
  since: 13,
  view: true,
  formerly: { axes: 1 },
  read: (call) => [unsqueeze(call.input(0), axesOf(call) ?? call.fail("the axes are missing"))],
});

export default [squeezeReading, unsqueezeReading];
