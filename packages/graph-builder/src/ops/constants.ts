/** Reading constants while the graph is being built. */

import { type Dim, sizeOf } from "../dim.js";
import { elementAt, isFloat } from "../dtype.js";
import { type Needs, type Tensor, topological } from "../tensor.js";

/** The numbers of a constant that lies in memory; undefined for any other tensor. */
export function constantValues(tensor: Tensor | undefined): number[] | undefined {
  if (tensor?.source.kind !== "constant" || !ArrayBuffer.isView(tensor.source.data)) return undefined;
  const { data } = tensor.source;
  return Array.from({ length: data.length }, (_, i) => elementAt(tensor.dtype, data, i));
}

/** The single value of a constant scalar. */
export function scalarValue(tensor: Tensor | undefined): number | undefined {
  if (tensor?.source.kind !== "constant" || !ArrayBuffer.isView(tensor.source.data)) return undefined;
  return tensor.source.data.length === 1 ? elementAt(tensor.dtype, tensor.source.data, 0) : undefined;
}

/** A shape has no more entries; longer vectors are data. */
const LONGEST = 1024;

const known = new WeakMap<Tensor, readonly Dim[] | undefined>();

/** The values of a small integer tensor as dimensions, where they follow from constants and shapes. */
export function dimsOf(tensor: Tensor | undefined): readonly Dim[] | undefined {
  if (!tensor) return undefined;
  // Each tensor is asked once and after its operands, however long and tangled the chain is.
  for (const t of topological([tensor], operandsOfDims)) {
    if (known.has(t)) continue;
    const dims = dimsHere(t);
    known.set(t, dims && dims.length <= LONGEST ? dims : undefined);
  }
  return known.get(tensor);
}

const operandsOfDims: Needs = (tensor) => {
  const { source, dtype } = tensor;
  if (source.kind !== "node" || !source.op.dims || isFloat(dtype) || known.has(tensor)) return [];
  return source.inputs.filter((t) => t !== undefined);
};

function dimsHere(tensor: Tensor): readonly Dim[] | undefined {
  const { dtype, shape, source } = tensor;
  if (isFloat(dtype)) return undefined;
  if (source.kind === "node") return source.op.dims?.(source, (i) => known.get(source.inputs[i]!));
  const size = sizeOf(shape);
  return typeof size === "number" && size <= LONGEST ? constantValues(tensor) : undefined;
}
