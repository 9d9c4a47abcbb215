import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Examples and tests across packages run the builder's sources, as its own tests do: there is one copy of it.
  resolve: {
    alias: {
      "@onnx-diffusion/graph-builder": fileURLToPath(
        new URL("packages/graph-builder/src/index.ts", import.meta.url),
      ),
    },
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/bench/**"],
    // .ci/run has ONNX's checker look at every model that the tests run.
    setupFiles: process.env.EMITTED_MODELS ? ["test/onnx-checker/keep-models.ts"] : [],
    // The slowest take half a minute on two cores. A machine may be slower, and busy: no test measures it by these.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    expect: { poll: { timeout: 200_000 } },
    // ONNX Runtime uses every core by itself: two files at a time keep a 2-core machine busy without thrashing.
    maxWorkers: 2,
    // Counted by .ci/run (--coverage.enabled), which fails below the threshold: the builder is the part whose mistakes show
    // last, in numbers that a training run makes of them.
    coverage: {
      include: ["packages/graph-builder/src/**"],
      thresholds: { branches: 95 },
      reporter: ["text-summary"],
      reportsDirectory: ".cache/coverage",
    },
  },
});
