import { formatShape, sameShape } from "../dim.js";
import { applyAll, defineOp } from "../op.js";
import { input, isSubgraph, type Subgraph, scalar, type Tensor } from "../tensor.js";
import { constantValues } from "./constants.js";

const loopOp = defineOp("Loop", {
  since: 21,
  attributes: { body: "graph" },
  infer({ inputs, attributes, fail }) {
    const body = attributes.body;
    if (body === undefined || !isSubgraph(body)) return fail("the body is missing");
    const carried = inputs.slice(2) as Tensor[];
    if (body.inputs.length !== carried.length + 2)
      fail(`the body takes ${body.inputs.length} inputs, expected ${carried.length + 2}`);
    carried.forEach((start, i) => {
      const end = body.outputs[i + 1];
      if (!end || end.dtype !== start.dtype || !sameShape(end.shape, start.shape)) {
        fail(
          `carried value ${i} is ${start.dtype} ${formatShape(start.shape)} before the body and ${end ? `${end.dtype} ${formatShape(end.shape)}` : "nothing"} after it; it must keep its type`,
        );
      }
    });
    const collected = body.outputs.slice(carried.length + 1);
    const steps = stepsOf(inputs[0]!);
    return [
      ...carried.map(({ dtype, shape }) => ({ dtype, shape })),
      ...collected.map(({ dtype, shape }) => ({ dtype, shape: [steps, ...shape] })),
    ];
  },
  repeats: ({ inputs }, count) => constantValues(inputs[0])?.[0] ?? count([stepsOf(inputs[0]!)]),
  vjp: "none",
});

/** The named size of collected outputs, for trip counts that were given one. */
const tripName = new WeakMap<object, string>();

const stepsOf = (trips: Tensor): string => tripName.get(trips.source) ?? "trips";

/** What a loop leaves behind. */
export interface LoopResult {
  /** The carried values after the last step. */
  readonly carried: readonly Tensor[];
  /** What each step gave out, stacked: [steps, ...]. */
  readonly collected: readonly Tensor[];
}

/** How often a loop runs, and with what it starts. */
export interface LoopOptions {
  /** int64 scalar. */
  readonly trips: Tensor;
  /** Name of the leading axis of what is collected. Default: `trips`. */
  readonly steps?: string;
  /** The values that each step takes and gives to the next. */
  readonly carried: readonly Tensor[];
}

/**
 * Runs `body` a number of times. Tensors from outside may be used in it.
 * https://onnx.ai/onnx/operators/onnx__Loop.html
 * @param body - gets the step (int64 scalar) and the carried values; returns the next ones and what to collect.
 */
export function loop(
  { trips, steps = "trips", carried }: LoopOptions,
  body: (
    step: Tensor,
    carried: readonly Tensor[],
  ) => { carried: readonly Tensor[]; collected?: readonly Tensor[] },
): LoopResult {
  tripName.set(trips.source, steps);
  const step = input("step_index", "int64", []);
  const goOn = input("condition", "bool", []);
  const inner = carried.map((t, i) =>
    input(t.source.kind === "input" ? `${t.source.name}.carried` : `carried_${i}`, t.dtype, t.shape),
  );
  const { carried: next, collected = [] } = body(step, inner);
  const graph: Subgraph = { inputs: [step, goOn, ...inner], outputs: [goOn, ...next, ...collected] };
  const outputs = applyAll(
    loopOp,
    [trips, scalar(1, "bool"), ...carried],
    { body: graph },
    next.length + collected.length,
  );
  return { carried: outputs.slice(0, next.length), collected: outputs.slice(next.length) };
}

export default [loopOp];
