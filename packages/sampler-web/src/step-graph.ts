/**
 * One graph for a step of a sampler: the network, and after it the update of x.
 *
 * The library adds the update to any model in the page, so that no folder has to hold a graph for it and models that were
 * made elsewhere have it too. Protobuf makes this cheap: of two `graph` fields in one file, readers join the lists. So the
 * file is not even read; a second graph of four nodes is put after it.
 *
 * Every sampler is linear in what it keeps, so the update is one product:
 *
 *     [ next x   ]   [ . . . . ]   [ x                ]
 *     [ estimate ] = [ . . . . ] * [ output           ]
 *                                  [ earlier estimate ]
 *                                  [ fresh noise      ]
 *
 * It is an Einsum and no MatMul: WebGPU's MatMul computes tiles of 8 x 32 with 32 terms each, of which this product has 2 rows
 * and 4 terms, and took most of a small network's time (docs/RESULTS.md).
 */
import type { SamplerRow } from "@onnx-diffusion/diffusion";
import { concatenate, type Field, message } from "./protobuf.js";

/** The inputs that come with the network's own, and the output. */
export const STEP = {
  /** float32 [2, N*C*H*W]: the estimate of the row before, and fresh noise. */
  past: "step.past",
  /** float32 [2, 4]: what `coefficientsOf` gives. */
  coefficients: "step.coefficients",
  /** float32 [2, N*C*H*W]: the next x, and this row's estimate. */
  next: "step.next",
  /** The dimension N*C*H*W. */
  size: "step.size",
} as const;

// Numbers of fields and constants of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const [FLOAT, INT64] = [1, 7];
const [ATTRIBUTE_INT, ATTRIBUTE_STRING] = [2, 3];
const GRAPH = 7;

/**
 * The model with the update after it.
 *
 * @param sample the name of the graph's input x_t, and `output` that of what the network makes of it.
 */
export function stepGraph(
  model: Uint8Array<ArrayBuffer>,
  { sample, output }: { readonly sample: string; readonly output: string },
): Uint8Array<ArrayBuffer> {
  const fields: Field[] = [
    node("Reshape", [sample, "step.row"], "step.sample"),
    node("Reshape", [output, "step.row"], "step.output"),
    node("Concat", ["step.sample", "step.output", STEP.past], "step.known", [
      [5, message([1, "axis"], [3, 0], [20, ATTRIBUTE_INT])],
    ]),
    node("Einsum", [STEP.coefficients, "step.known"], STEP.next, [
      [5, message([1, "equation"], [4, "ci,in->cn"], [20, ATTRIBUTE_STRING])],
    ]),
    [5, row()],
    [11, value(STEP.past, [2, STEP.size])],
    [11, value(STEP.coefficients, [2, 4])],
    [12, value(STEP.next, [2, STEP.size])],
  ];
  return concatenate([model, message([GRAPH, message(...fields)])]);
}

/** NodeProto */
function node(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Field[] = [],
): Field {
  return [
    1,
    message(...inputs.map((name): Field => [1, name]), [2, output], [3, output], [4, type], ...attributes),
  ];
}

/** TensorProto of [1, -1], the shape of one row. */
function row(): Uint8Array {
  const shape = new Uint8Array(BigInt64Array.of(1n, -1n).buffer);
  return message([1, 2], [2, INT64], [8, "step.row"], [9, shape]);
}

/** ValueInfoProto of a tensor of float32. */
function value(name: string, shape: readonly (number | string)[]): Uint8Array {
  const dims = shape.map((dim): Field => [1, message([typeof dim === "number" ? 1 : 2, dim])]);
  return message([1, name], [2, message([1, message([1, FLOAT], [2, message(...dims)])])]);
}

/** A row of a sampler's table as the matrix above: the estimate put into the sum for x. */
export function coefficientsOf(row: SamplerRow): Float32Array<ArrayBuffer> {
  const [ofX, ofOutput] = row.estimate;
  const [now = 0, before = 0, more] = row.estimates;
  if (more !== undefined) throw new Error("sampler: a row looks back at more than one earlier estimate");
  return Float32Array.of(row.x + now * ofX, now * ofOutput, before, row.noise, ofX, ofOutput, 0, 0);
}
