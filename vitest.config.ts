import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/bench/**"],
    testTimeout: 120_000,
    // ONNX Runtime uses every core by itself: two files at a time keep a 2-core machine busy without thrashing.
    maxWorkers: 2,
  },
});
