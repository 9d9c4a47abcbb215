/** Products of matrices. */
import { gemm, matmul } from "../../src/index.js";
import type { Sample } from "./sample.js";

const linear = { polynomial: true } as const;

export const MATRIX_SAMPLES: readonly Sample[] = [
  {
    ops: ["MatMul"],
    name: "MatMul",
    shapes: [
      ["n", 3],
      [3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul batched",
    shapes: [
      ["n", 2, 3],
      ["n", 3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul broadcast",
    shapes: [
      ["n", 1, 2, 3],
      [5, 3, 4],
    ],
    ...linear,
    build: matmul,
  },
  {
    ops: ["MatMul"],
    name: "MatMul by a matrix",
    shapes: [
      ["n", 5, 3],
      [3, 4],
    ],
    ...linear,
    build: matmul,
  },
  { ops: ["MatMul"], name: "MatMul of vectors", shapes: [[3], [3]], ...linear, build: matmul },
  { ops: ["MatMul"], name: "MatMul by a vector", shapes: [["n", 5, 3], [3]], ...linear, build: matmul },
  { ops: ["MatMul"], name: "MatMul of a vector", shapes: [[3], ["n", 3, 4]], ...linear, build: matmul },
  {
    ops: ["Gemm"],
    name: "Gemm",
    shapes: [["n", 3], [3, 4], [4]],
    ...linear,
    build: (a, b, c) => gemm(a, b, { c }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed",
    shapes: [
      [3, "n"],
      [4, 3],
      ["n", 1],
    ],
    ...linear,
    build: (a, b, c) => gemm(a, b, { c, transA: 1, transB: 1, alpha: 0.5, beta: 2 }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed on the left",
    shapes: [
      [3, "n"],
      [3, 4],
    ],
    ...linear,
    build: (a, b) => gemm(a, b, { transA: 1 }),
  },
  {
    ops: ["Gemm"],
    name: "Gemm transposed on the right",
    shapes: [
      ["n", 3],
      [4, 3],
    ],
    ...linear,
    build: (a, b) => gemm(a, b, { transB: 1 }),
  },
];
