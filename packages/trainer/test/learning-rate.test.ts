import { describe, expect, it } from "vitest";
import { type LrScheduler, learningRateAt } from "../src/learning-rate.js";

/**
 * The rates that an optimizer of torch 2.15.0 has before each step under get_scheduler(name, optimizer, num_warmup_steps,
 * num_training_steps) of diffusers.optimization 0.35.2, lr 1e-3; `constant` there is constant_with_warmup.
 */
const DIFFUSERS: readonly (readonly [LrScheduler, number, readonly number[]])[] = [
  ["constant", 3, [0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.001, 0.001]],
  ["linear", 0, [0.001, 0.000875, 0.00075, 0.000625, 0.0005, 0.000375, 0.00025, 0.000125]],
  ["linear", 3, [0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.0008, 0.0006, 0.0004, 0.0002]],
  [
    "cosine",
    0,
    [
      0.001, 0.0009619397662556434, 0.0008535533905932737, 0.000691341716182545, 0.0005,
      0.0003086582838174551, 0.00014644660940672628, 3.806023374435663e-5,
    ],
  ],
  [
    "cosine",
    3,
    [
      0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.0009045084971874737, 0.0006545084971874737,
      0.00034549150281252633, 9.549150281252633e-5,
    ],
  ],
];

/** Of torch.optim.lr_scheduler 2.15.0, over 8 steps from 1e-3: CosineAnnealingLR(T_max=8), LinearLR(1.0, 0.0, 8). */
const TORCH: readonly (readonly [LrScheduler, number, readonly number[]])[] = [
  [
    "cosine",
    0,
    [
      0.001, 0.0009619397662556434, 0.0008535533905932738, 0.0006913417161825451, 0.0005000000000000001,
      0.0003086582838174552, 0.0001464466094067263, 3.8060233744356646e-5,
    ],
  ],
  ["linear", 0, [0.001, 0.000875, 0.00075, 0.000625, 0.0005, 0.000375, 0.00025, 0.000125]],
];

const rates = (lrScheduler: LrScheduler, lrWarmupSteps: number, steps: number): number[] =>
  Array.from({ length: steps }, (_, i) =>
    learningRateAt(i + 1, steps, { learningRate: 1e-3, lrScheduler, lrWarmupSteps }),
  );

describe("the rate of each step", () => {
  it.each([...DIFFUSERS, ...TORCH])(
    "%s, warm-up of %i steps, is that of the others",
    (scheduler, warmup, expected) => {
      for (const [i, rate] of rates(scheduler, warmup, expected.length).entries()) {
        // float64 in another order of operations; what the graph takes is float32
        expect(Math.abs(rate - expected[i]!)).toBeLessThan(1e-15);
      }
    },
  );

  it("is the same to the bit in every step where it is constant", () => {
    expect(new Set(rates("constant", 0, 100))).toEqual(new Set([1e-3]));
  });

  it("only rises where the warm-up is longer than the training", () => {
    expect(rates("cosine", 10, 4)).toEqual([0, 1e-4, 2e-4, (1e-3 * 3) / 10]);
  });
});
