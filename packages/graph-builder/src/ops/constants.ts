/** Reading constants while the graph is being built. */

import type { Dim } from "../dim.js";
import { elementAt } from "../dtype.js";
import type { Tensor } from "../tensor.js";

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

/** The values of a small integer tensor as dimensions, where they follow from constants and shapes. */
export function dimsOf(tensor: Tensor | undefined): readonly Dim[] | undefined {
  const values = constantValues(tensor);
  if (values || tensor?.source.kind !== "node") return values;
  const { source } = tensor;
  return source.op.dims?.(source, (i) => dimsOf(source.inputs[i]));
}
