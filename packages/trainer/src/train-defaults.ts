/** What `trainer train` takes where nothing is said. */
export const TRAIN_DEFAULTS = {
  steps: 25000,
  data: "mnist",
  batch: 16,
  learningRate: 1e-4,
  lrScheduler: "constant",
  lrWarmupSteps: 0,
  seed: 0,
  device: "auto",
  saveEvery: 500,
  sampleEvery: 1000,
  keep: 3,
} as const;
