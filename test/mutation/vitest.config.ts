/** `vitest run --config test/mutation/vitest.config.ts`: see docs/MUTATION.md. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { instrument } from "./instrument.js";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Of packages/graph-builder/test: those that look at operators and gradients and take no minutes. */
const TESTS =
  "checkpoint dim errors gradient-penalty gradients inspect layers neutral ops readings refused-nodes shape-values values".split(
    " ",
  );
const AUTODIFF = ["op.ts", "gradients.ts", "reverse.ts", "checkpoint.ts", "substitute.ts"];
const { mutants, plugin } = await instrument(process.env.MUTATE?.split(",") ?? ["ops/", ...AUTODIFF]);

export default defineConfig({
  root: at("../.."),
  plugins: [plugin],
  resolve: {
    alias: {
      "@onnx-diffusion/graph-builder": at("../../packages/graph-builder/src/index.ts"),
      "onnxruntime-node": at("remember.ts"),
    },
  },
  test: {
    include: ["test/mutation/mutants.ts"],
    provide: {
      mutants,
      tests: process.env.MUTATION_TESTS?.split(",") ?? TESTS,
      match: process.env.MUTATION_MATCH ?? "",
      results: process.env.MUTATION_RESULTS ?? at("../../.cache/mutation.jsonl"),
    },
    maxWorkers: 1,
    // Of a test that a mutant keeps from ending, which the limit on how often it is passed does not stop.
    testTimeout: 600_000,
  },
});
