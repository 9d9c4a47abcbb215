/**
 * Small tensors are updated together, as one vector: to launch an operator costs some microseconds whatever its size, and most
 * of a network's parameters are the vectors of biases and batch norms.
 */
import { type Shape, sizeOf } from "../dim.js";
import { concat, reshape, split } from "../ops/index.js";
import type { Tensor } from "../tensor.js";

/** Entries up to which a tensor is small: of larger ones the copies cost more than the operators that they save. */
const SMALL = 8192;

/** Tensors in one vector: WebGPU promises a shader 8 buffers (maxStorageBuffersPerShaderStage), and Split writes each part to one. */
const MOST_TOGETHER = 7;

/** State has shapes of numbers alone. */
const entries = (shape: Shape): number => Number(sizeOf(shape));

export const isSmall = ({ shape }: Tensor): boolean => entries(shape) <= SMALL;

/** Names in groups: those with the same key, up to MOST_TOGETHER, in the place of the first; those without one alone. */
export function together(
  names: readonly string[],
  keyOf: (name: string) => unknown,
): readonly (readonly string[])[] {
  const open = new Map<unknown, string[]>();
  const groups: string[][] = [];
  for (const name of names) {
    const key = keyOf(name);
    const group = key === undefined ? undefined : open.get(key);
    if (group && group.length < MOST_TOGETHER) {
      group.push(name);
      continue;
    }
    groups.push([name]);
    if (key !== undefined) open.set(key, groups.at(-1)!);
  }
  return groups;
}

/**
 * An elementwise update of several rows of tensors at once.
 * @param rows - at least one; of each all tensors have one shape.
 * @param update - given the rows' first tensors as one, their second ones as one, ...; a single row as it is.
 * @returns for each row what the update returned, in the row's shape.
 */
export function updatePacked(
  rows: readonly (readonly Tensor[])[],
  update: (columns: readonly Tensor[]) => readonly Tensor[],
): (readonly Tensor[])[] {
  const [first] = rows;
  if (rows.length === 1) return [update(first!)];
  const shapes = rows.map(([tensor]) => tensor!.shape);
  const columns = first!.map((_, k) =>
    concat(
      rows.map((row) => inShape(row[k]!, [-1])),
      0,
    ),
  );
  const results = update(columns).map((whole) => split(whole, shapes.map(entries), 0));
  return shapes.map((shape, i) => results.map((parts) => inShape(parts[i]!, shape)));
}

/** Most are vectors already. */
const inShape = (tensor: Tensor, shape: Shape): Tensor =>
  tensor.shape.length === 1 && shape.length === 1 ? tensor : reshape(tensor, shape);
