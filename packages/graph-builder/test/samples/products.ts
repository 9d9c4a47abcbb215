/** Sums of products. */
import { einsum, type Tensor } from "../../src/index.js";
import type { Sample } from "./sample.js";

const of = (
  name: string,
  equation: string,
  shapes: Sample["shapes"],
  more: Partial<Sample> = {},
): Sample => ({
  ops: ["Einsum"],
  name: `Einsum ${name}`,
  shapes,
  polynomial: true,
  build: (...xs: Tensor[]) => einsum(equation, ...xs),
  ...more,
});

export const PRODUCT_SAMPLES: readonly Sample[] = [
  of("batch of matrix products", "bij, bjk -> bik", [
    ["n", 2, 3],
    ["n", 3, 4],
  ]),
  of("without a result's axes", "ij,kj", [
    ["n", 3],
    [4, 3],
  ]),
  of("permuted", "abc->cab", [["n", 2, 3]]),
  of("axes summed in one operand alone", "ijk,jl->il", [
    ["n", 3, 2],
    [3, 4],
  ]),
  of("sum of all", "ij->", [["n", 3]]),
  of("inner product", "ij,ij->", [
    ["n", 3],
    ["n", 3],
  ]),
  of("outer product by a scalar", "i,,j->ij", [["n"], [], [3]], { polynomial: false }),
  of("ellipses that broadcast", "...ij,...jk->...ik", [
    ["n", 1, 2, 3],
    [1, 5, 3, 4],
  ]),
  of("size 1 beside a size", "ij,jk->ik", [
    ["n", 1],
    [3, 4],
  ]),
  of("diagonal", "...ii->...i", [["n", 3, 3]]),
  of("diagonal summed beside another operand", "iij,j->j", [[3, 3, 2], [2]]),
  of(
    "three operands",
    "ni,ij,nj->n",
    [
      ["n", 3],
      [3, 4],
      ["n", 4],
    ],
    { polynomial: false },
  ),
];
