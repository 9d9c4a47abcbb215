/** What has a gradient rule of its own beside the operators: the lowerings' layers and checkpointed blocks. */
import {
  checkpoint,
  cpu,
  type Lowering,
  matmul,
  mul,
  native,
  sin,
  type Tensor,
  tanh,
} from "../../src/index.js";
import type { Sample } from "./sample.js";

const LOWERINGS = [cpu, native];

/** Native convolutions are there for float32 alone, and both lowerings are held to the same. */
const both = (name: string, rest: (lowering: Lowering) => Omit<Sample, "ops" | "name">): Sample[] =>
  LOWERINGS.map((lowering) => ({
    ops: ["CustomVjp"],
    name: `${name} (${lowering.target})`,
    ...rest(lowering),
  }));

const GEOMETRIES = [
  { name: "4-2-1", size: 4, kernel: 4, stride: 2, pad: 1 },
  { name: "3-1-1", size: 3, kernel: 3, stride: 1, pad: 1 },
  { name: "3-2-1 of an odd size", size: 5, kernel: 3, stride: 2, pad: 1 },
  { name: "1-1-0", size: 3, kernel: 1, stride: 1, pad: 0 },
];

export const LOWERING_SAMPLES: readonly Sample[] = [
  ...GEOMETRIES.flatMap(({ name, size, kernel, stride, pad }) => {
    const geometry = { kernel: [kernel, kernel], stride, pad } as const;
    return [
      ...both(`conv2d ${name}`, (lowering) => ({
        shapes: [["n", 3, size, size], [2, 3, kernel, kernel], [2]],
        single: true,
        polynomial: true,
        build: (x, weight, bias) => lowering.conv2d(x, weight, bias, geometry),
      })),
      ...both(`convTranspose2d ${name}`, (lowering) => ({
        shapes: [["n", 3, size, size], [3, 2, kernel, kernel], [2]],
        single: true,
        polynomial: true,
        build: (x, weight, bias) => lowering.convTranspose2d(x, weight, bias, geometry),
      })),
    ];
  }),
  ...both("batchNorm2d", (lowering) => ({
    shapes: [["n", 3, 2, 2], [3], [3]],
    build: (x: Tensor, scale: Tensor, bias: Tensor) => lowering.batchNorm2d(x, scale, bias, 1e-5).y,
  })),
  {
    ops: ["CustomVjp"],
    name: "checkpoint",
    shapes: [
      ["n", 3],
      [3, 3],
    ],
    build: (x, w) => checkpoint((t: Tensor) => mul(t, tanh(matmul(t, w))))(sin(x)),
  },
];
