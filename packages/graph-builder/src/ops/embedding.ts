import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { div, mul } from "./arithmetic.js";
import { gather } from "./gather.js";

/**
 * Rows of a table: indices [...] int32 or int64 -> [..., E]. The gradient of a row that is taken often is the sum. As
 * torch.nn.functional.embedding.
 * @param table - [count, E]
 * @throws GraphError for a table that is no matrix.
 */
export function embed(indices: Tensor, table: Tensor): Tensor {
  if (table.shape.length === 2) return gather(table, indices, 0);
  throw new GraphError(
    `embed: the table is ${formatShape(table.shape)}, expected [count, E], a row for each index`,
  );
}

/**
 * Dropout (Srivastava et al. 2014): x mask / (1 - rate), the expected value being x. The mask is an input of the graph,
 * so that the same masks can be drawn again.
 * @param mask - 1 where an element is kept, 0 where it is dropped; of x's type, broadcast to it.
 * @param rate - the share that is dropped, 0 up to but not including 1.
 * @throws GraphError for a rate out of range.
 */
export function dropout(x: Tensor, mask: Tensor, rate: number): Tensor {
  if (rate >= 0 && rate < 1) return div(mul(x, mask), 1 - rate);
  throw new GraphError(`dropout: the rate is ${rate}, expected 0 up to but not including 1`);
}
