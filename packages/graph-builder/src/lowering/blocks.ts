/**
 * Nodes on images whose pixels lie in blocks, as a transposed convolution by minimal filtering leaves them: what goes pixel by
 * pixel need not wait until they are in rows. So not all channels are put in order but those that come out at the end.
 */
import { type Dim, mulDims } from "../dim.js";
import { apply } from "../op.js";
import { add, concat, gemm, reshape, transpose } from "../ops/index.js";
import type { NodeSource, Tensor } from "../tensor.js";
import { usualForm } from "./forms.js";
import type { ConvGeometry } from "./lowering.js";
import { isPointwise } from "./patches.js";
import type { ImageGeometry } from "./products.js";
import { blockOrder, isWholeTiles, type PixelOrder, scatterInBlocks, winograd } from "./winograd.js";

/** An image, [N,C,H,W] for its readers, as [pixels, N, C]. */
export interface Blocks {
  readonly value: Tensor;
  readonly order: PixelOrder;
}

/** [N,C,H,W] */
export const imageOf = ({ value, order }: Blocks): Tensor => transpose(order.toImages(value), [0, 3, 1, 2]);

/** A transposed convolution of y [N,C,H,W], where its pixels come in blocks. */
export function convTransposeInBlocks(
  y: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  g: ImageGeometry,
): Blocks | undefined {
  if (usualForm(g) !== "winograd" || !isWholeTiles(g)) return undefined;
  const kernel = winograd.weightLayout.toKernel(weight);
  const value = scatterInBlocks(transpose(y, [0, 2, 3, 1]), kernel, g);
  return { value: bias ? add(value, bias) : value, order: blockOrder(g) };
}

/** What a node does where some of its operands lie in blocks; undefined where it is not for each pixel alone. */
export function nodeInBlocks(
  node: NodeSource,
  operands: readonly (Tensor | undefined)[],
  blocksOf: ReadonlyMap<Tensor, Blocks>,
  geometry: ConvGeometry | undefined,
): Blocks | undefined {
  const found = operands.map((t) => t && blocksOf.get(t));
  const order = found.find((blocks) => blocks)?.order;
  if (!order) return undefined;
  const inner = (place: (t: Tensor) => Tensor | undefined): Tensor[] | undefined => {
    const all = operands.map((t, i) => {
      const blocks = found[i];
      return blocks ? (blocks.order === order ? blocks.value : undefined) : t && place(t);
    });
    return all.every((t) => t !== undefined) ? all : undefined;
  };
  const made = (value: Tensor | undefined): Blocks | undefined => value && { value, order };
  if (node.op.elementwise && node.outputs.length === 1) {
    const values = inner(sameForAllPixels);
    return made(values && apply(node.op, values, node.attributes));
  }
  if (node.op.name === "Concat" && node.attributes.axis === 1) {
    const few = (t: Tensor) =>
      isFewBeside(t, operands) ? order.fromImages(transpose(t, [0, 2, 3, 1])) : undefined;
    const values = inner(few);
    return made(values && concat(values, 2));
  }
  if (geometry && isPointwise(geometry) && found[0]) return made(productOfPixels(found[0].value, operands));
  return undefined;
}

/** [N,C,1,1] -> [N,C], numbers as they are. */
function sameForAllPixels(t: Tensor): Tensor | undefined {
  if (t.shape.length === 0) return t;
  const [batch, channels, height, width] = t.shape;
  const fits = t.shape.length === 4 && height === 1 && width === 1;
  return fits ? reshape(t, [batch!, channels!]) : undefined;
}

/** The share of all channels up to which putting an image in blocks costs less than what it spares. */
const FEW = 1 / 8;

function isFewBeside(t: Tensor, all: readonly (Tensor | undefined)[]): boolean {
  const total = all.reduce((sum, each) => sum + Number(each!.shape[1]), 0);
  return Number(t.shape[1]) <= FEW * total;
}

/** A convolution of single pixels: [pixels, N, C] -> [pixels, N, O] */
function productOfPixels(value: Tensor, [, weight, bias]: readonly (Tensor | undefined)[]): Tensor {
  const [pixels, batch, channels] = value.shape as [Dim, Dim, Dim];
  const filters = weight!.shape[0]!;
  const rows = reshape(value, [mulDims(pixels, batch), channels]);
  const product = gemm(rows, reshape(weight!, [filters, channels]), {
    transB: 1,
    ...(bias ? { c: bias } : {}),
  });
  return reshape(product, [pixels, batch, filters]);
}
