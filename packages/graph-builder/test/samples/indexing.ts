/** Elements taken and put by indices. */
import { constant, gather, gatherND, scatterND } from "../../src/index.js";
import type { Sample } from "./sample.js";

const i32 = (values: number[], shape = [values.length]) => constant("int32", shape, values);
const linear = { polynomial: true } as const;

export const INDEXING_SAMPLES: readonly Sample[] = [
  {
    ops: ["Gather"],
    name: "Gather rows, some twice",
    shapes: [[4, 3]],
    ...linear,
    build: (x) => gather(x, i32([0, 2, 2, -1])),
  },
  {
    ops: ["Gather"],
    name: "Gather along an inner axis",
    shapes: [["n", 4, 3]],
    ...linear,
    build: (x) => gather(x, i32([3, 0, 0, 1], [2, 2]), 1),
  },
  {
    ops: ["Gather"],
    name: "Gather images",
    shapes: [["n", 2, 3]],
    ...linear,
    build: (x) => gather(x, i32([1, 0, 1])),
  },
  {
    ops: ["GatherND"],
    name: "GatherND",
    shapes: [[4, 3]],
    ...linear,
    build: (x) => gatherND(x, i32([0, 2, 3, 1, 0, 2], [3, 2])),
  },
  {
    ops: ["ScatterND"],
    name: "ScatterND add",
    shapes: [
      [4, 3],
      [3, 3],
    ],
    ...linear,
    build: (x, u) => scatterND(x, i32([1, 1, 3], [3, 1]), u, "add"),
  },
  {
    ops: ["ScatterND"],
    name: "ScatterND replace",
    shapes: [
      [4, 3],
      [2, 3],
    ],
    ...linear,
    build: (x, u) => scatterND(x, i32([1, 3], [2, 1]), u),
  },
];
