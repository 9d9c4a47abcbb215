import { expect, test } from "vitest";
import { profileSvg } from "../src/pictures/profile.js";
import { byOperator, profileRows, shapeText } from "../src/profile/events.js";
import { flopsOf } from "../src/profile/flops.js";
import { profileLines } from "../src/profile/table.js";

const event = (name: string, op_name: string, dur: number, inputs: number[][], output: number[]) => ({
  cat: "Node",
  name: `${name}_kernel_time`,
  dur,
  args: {
    op_name,
    input_type_shape: inputs.map((float) => ({ float })),
    output_type_shape: [{ float: output }],
  },
});
const gemm = (name: string, dur: number) =>
  event(
    name,
    "Gemm",
    dur,
    [
      [64, 50],
      [50, 1000],
    ],
    [64, 1000],
  );

/** Two runs of two steps: the second run counts, and there each node's median. */
const EVENTS = [
  { cat: "Session", name: "model_run", dur: 99_999 },
  { ...event("Loop", "Loop", 99_999, [[1]], [1]) },
  ...[9000, 9000, 1000, 3000].map((dur) => gemm("a", dur)),
  ...[9000, 9000, 2000, 2000].map((dur) => gemm("b", dur)),
  ...[50, 50].map((dur) => event("Transpose", "Transpose", dur, [[64, 50]], [50, 64])),
];

test("rows hold the nodes of a shape: how many a step, milliseconds, arithmetic", () => {
  const rows = profileRows(JSON.stringify(EVENTS), { runs: 2, steps: 2 });
  // 2 * 64 * 50 * 1000 for each of two nodes; medians of 1, 3 and 2, 2 ms
  expect(rows).toEqual([
    {
      operator: "Gemm",
      inputs: [
        [64, 50],
        [50, 1000],
      ],
      outputs: [[64, 1000]],
      count: 2,
      milliseconds: 5,
      gflop: 0.0128,
    },
    // outside the loop: once a run, so half of it a step
    {
      operator: "Transpose",
      inputs: [[64, 50]],
      outputs: [[50, 64]],
      count: 0.5,
      milliseconds: 0.025,
      gflop: undefined,
    },
  ]);
  expect(byOperator(rows).map(({ operator, count }) => [operator, count])).toEqual([
    ["Gemm", 2],
    ["Transpose", 0.5],
  ]);
});

test("arithmetic follows from the shapes", () => {
  const flops = (operator: string, inputs: number[][], output: number[]) =>
    flopsOf(operator, { inputs, outputs: [output] });
  // A transposed first operand: 7 rows of 5, 3 columns each 7 long
  expect(
    flops(
      "FusedGemm",
      [
        [7, 5],
        [7, 3],
      ],
      [5, 3],
    ),
  ).toBe(2 * 5 * 3 * 7);
  expect(
    flops(
      "MatMul",
      [
        [2, 4, 6],
        [2, 6, 3],
      ],
      [2, 4, 3],
    ),
  ).toBe(2 * 2 * 4 * 3 * 6);
  // One matrix of a for five of b
  expect(
    flops(
      "FusedMatMul",
      [
        [2, 1, 4, 6],
        [2, 5, 3, 6],
      ],
      [2, 5, 4, 3],
    ),
  ).toBe(2 * 2 * 5 * 4 * 3 * 6);
  // 3x3 convolution of 8 to 16 channels on 10x10, two images; its transpose has the same
  expect(
    flops(
      "Conv",
      [
        [2, 8, 10, 10],
        [16, 8, 3, 3],
      ],
      [2, 16, 10, 10],
    ),
  ).toBe(2 * 2 * 100 * 16 * 8 * 9);
  expect(
    flops(
      "ConvTranspose",
      [
        [2, 16, 10, 10],
        [16, 8, 3, 3],
      ],
      [2, 8, 10, 10],
    ),
  ).toBe(2 * 2 * 100 * 16 * 8 * 9);
  expect(flops("Add", [[2], [2]], [2])).toBeUndefined();
});

test("the table has aligned columns and a sum; shapes leave scalars out", () => {
  const rows = profileRows(JSON.stringify(EVENTS), { runs: 2, steps: 2 });
  expect(profileLines({ rows, wall: 8 }, 1)).toEqual([
    "operator   nodes  ms a step   share  GFLOP/s",
    "Gemm           2       5.00  99.5 %        3",
    "Transpose    0.5       0.03   0.5 %",
    "",
    "operator   nodes  ms a step   share  GFLOP/s  shapes",
    "Gemm           2       5.00  99.5 %        3  64x50 · 50x1000 → 64x1000",
    "and 1 more, 0.03 ms",
    "",
    "a step: 8.0 ms by the clock, 5.0 in nodes, 3.0 between them; 0.01 GFLOP, 2 GFLOP/s",
  ]);
  expect(shapeText({ inputs: [[4, 5], []], outputs: [[4, 5]] })).toBe("4x5");
});

test("what is no profile is said so, and a profile can be drawn", () => {
  expect(() => profileRows("{}", { runs: 1, steps: 1 })).toThrow(
    /is no list of events; run the command again/,
  );
  const svg = profileSvg(profileRows(JSON.stringify(EVENTS), { runs: 2, steps: 2 }), "A step");
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
});
