/** Convolutions and their transposes. */
import { conv, convTranspose } from "../../src/index.js";
import type { Sample } from "./sample.js";

const linear = { polynomial: true } as const;

export const CONVOLUTION_SAMPLES: readonly Sample[] = [
  ...[
    { name: "4-2-1", x: 8, k: 4, options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    { name: "3-1-1", x: 5, k: 3, options: { pads: [1, 1, 1, 1] } },
    { name: "3-2 with rows left over", x: 6, k: 3, options: { strides: [2, 2] } },
    { name: "dilated", x: 7, k: 3, options: { dilations: [2, 2] } },
    { name: "of different pads", x: 5, k: 3, options: { pads: [0, 1, 2, 1] } },
  ].map(
    ({ name, x, k, options }): Sample => ({
      ops: ["Conv"],
      name: `Conv ${name}`,
      shapes: [["n", 3, x, x], [4, 3, k, k], [4]],
      single: true,
      ...linear,
      build: (a, w, bias) => conv(a, w, { ...options, bias }),
    }),
  ),
  {
    ops: ["Conv"],
    name: "Conv in groups",
    shapes: [
      ["n", 4, 5, 5],
      [6, 2, 3, 3],
    ],
    single: true,
    ...linear,
    build: (x, w) => conv(x, w, { group: 2, pads: [1, 1, 1, 1] }),
  },
  {
    ops: ["Conv"],
    name: "Conv of one axis",
    shapes: [
      ["n", 3, 9],
      [4, 3, 3],
    ],
    single: true,
    ...linear,
    build: (x, w) => conv(x, w, { strides: [2] }),
  },
  ...[
    { name: "4-2-1", k: 4, options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    {
      name: "3-2-1 with output padding",
      k: 3,
      options: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    },
    { name: "dilated", k: 3, options: { dilations: [2, 2] } },
  ].map(
    ({ name, k, options }): Sample => ({
      ops: ["ConvTranspose"],
      name: `ConvTranspose ${name}`,
      shapes: [["n", 3, 4, 4], [3, 2, k, k], [2]],
      single: true,
      ...linear,
      build: (a, w, bias) => convTranspose(a, w, { ...options, bias }),
    }),
  ),
  {
    ops: ["ConvTranspose"],
    name: "ConvTranspose in groups",
    shapes: [
      ["n", 4, 3, 3],
      [4, 3, 2, 2],
    ],
    single: true,
    ...linear,
    build: (x, w) => convTranspose(x, w, { group: 2, strides: [2, 2] }),
  },
];
