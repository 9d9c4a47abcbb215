import { expect, it } from "vitest";
import { configurationDigest, configurationOf, differences, requireSame } from "../src/configuration.js";
import { smallManifest } from "./small-manifest.js";

const choices = { data: "mnist", dataDigest: "d".repeat(64), batch: 16, learningRate: 1e-4, seed: 0 };
const then = configurationOf(smallManifest, choices);

it("is equal for equal choices", () => {
  const again = configurationOf(structuredClone(smallManifest), { ...choices });
  expect(differences(again, then)).toEqual([]);
  expect(configurationDigest(again)).toBe(configurationDigest(then));
  requireSame(again, then, "runs/x");
});

it("names each difference by its flag or file", () => {
  const now = configurationOf(
    {
      ...smallManifest,
      schedule: { ...smallManifest.schedule, T: 100 },
      files: { ...smallManifest.files, "training_loop.onnx": { sha256: "c".repeat(64), bytes: 1 } },
    },
    { ...choices, dataDigest: "e".repeat(64), batch: 32, learningRate: 0.001, seed: 7 },
  );
  expect(differences(now, then)).toEqual([
    expect.stringMatching(/^model description [0-9a-f]{8}… \(was [0-9a-f]{8}…\)$/),
    "training_loop.onnx cccccccc… (was aaaaaaaa…)",
    "data digest eeeeeeee… (was dddddddd…)",
    "--batch 32 (was 16)",
    "--lr 0.001 (was 0.0001)",
    "--seed 7 (was 0)",
  ]);
  expect(() => requireSame(now, then, "runs/x")).toThrow(
    /^runs\/x: the run there was started with another configuration: .*--batch 32 \(was 16\).*; resume with/,
  );
});

it("names a graph that was added", () => {
  const { training_loop: _, ...graphs } = smallManifest.graphs;
  const without = configurationOf({ ...smallManifest, graphs }, choices);
  expect(differences(then, without)).toEqual(["training_loop.onnx aaaaaaaa… (was absent)"]);
});

it("names how the rate changes, and takes a run of before it could as one of a constant rate", () => {
  const falling = configurationOf(smallManifest, { ...choices, lrScheduler: "cosine", lrWarmupSteps: 100 });
  expect(differences(falling, then)).toEqual([
    "--lr-scheduler cosine (was absent)",
    "--lr-warmup-steps 100 (was absent)",
  ]);
  const constant = configurationOf(smallManifest, { ...choices, lrScheduler: "constant", lrWarmupSteps: 0 });
  expect(constant).toEqual(then);
  expect(configurationDigest(constant)).toBe(configurationDigest(then));
});
