/** Evenly spaced numbers. */
import { addDims, type Dim, floorDiv, mulDims, subDims } from "../dim.js";
import { toTypedArray } from "../dtype.js";
import { apply, type Call, defineOp, type OpEntry, type Operand, operands } from "../op.js";
import { constant, type NodeSource, type Tensor } from "../tensor.js";
import { dimsOf, scalarValue } from "./constants.js";
import { reshape } from "./reshape.js";

/** Numbers that are written out; a few bytes of a file must not become gigabytes. */
const LONGEST = 2 ** 24;

interface Progression {
  readonly start: Dim;
  readonly delta: number;
  readonly count: Dim;
}

function progression({ inputs }: Pick<NodeSource, "inputs">): Progression | undefined {
  const [start, limit, delta] = inputs.map((t) => scalarValue(t) ?? dimsOf(t)?.[0]);
  if (start === undefined || limit === undefined || typeof delta !== "number") return undefined;
  if (typeof start === "number" && typeof limit === "number")
    return { start, delta, count: Math.max(0, Math.ceil((limit - start) / delta)) };
  const [from, to] = delta > 0 ? [start, limit] : [limit, start];
  const step = Math.abs(delta);
  const distance = subDims(to, from);
  return { start, delta, count: step === 1 ? distance : floorDiv(addDims(distance, step - 1), step) };
}

const boundsOf = (call: Call): Progression =>
  progression(call) ?? call.fail("the bounds are computed when the graph runs; give them as constants");

const rangeOp: OpEntry = defineOp("Range", {
  since: 11,
  infer: (call) => [{ dtype: call.input(0).dtype, shape: [boundsOf(call).count] }],
  dims(node) {
    const { start, delta, count } = progression(node) ?? {};
    if (start === undefined || typeof count !== "number" || count > 1024) return undefined;
    return Array.from({ length: count }, (_, i) => addDims(start, mulDims(i, delta!)));
  },
  // The bounds are constants or sizes.
  vjp: () => [undefined, undefined, undefined],
  simplify: numbers,
  read(call) {
    const known = numbers(call);
    return known && [known];
  },
});

/** The numbers themselves, where the bounds are numbers. */
function numbers(call: Call): Tensor | undefined {
  const { start, delta, count } = boundsOf(call);
  const { dtype } = call.input(0);
  if (typeof start !== "number" || typeof count !== "number") return undefined;
  if (count > LONGEST) return call.fail(`${count} numbers, expected at most ${LONGEST}`);
  const values = Array.from({ length: count }, (_, i) => start + i * delta);
  return constant(dtype, [count], toTypedArray(dtype, values));
}

/**
 * start, start + delta, ... up to but not including `limit`: a constant where the bounds are known, else as many as named
 * sizes say. https://onnx.ai/onnx/operators/onnx__Range.html
 * @throws GraphError for bounds that are neither numbers nor sizes.
 */
export const range = (start: Operand, limit: Operand, delta: Operand = 1): Tensor =>
  apply(
    rangeOp,
    operands(start, limit, delta).map((t) => reshape(t, [])),
  );

export default [rangeOp];
