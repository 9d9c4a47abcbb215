import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors, type Manifest, parseManifest, type StateTensor } from "@onnx-diffusion/diffusion";
import { buildModel, input, mul, readOnnx, writeOnnx } from "@onnx-diffusion/graph-builder";
import { beforeEach, describe, expect, it } from "vitest";
import type { Chunk } from "../src/batches.js";
import { newestCheckpoint } from "../src/checkpoints.js";
import { type Configuration, configurationOf } from "../src/configuration.js";
import { exportModel } from "../src/export.js";
import { readMetrics } from "../src/metrics.js";
import { planChunks } from "../src/plan.js";
import { type RunFolder, runFolder } from "../src/run-folder.js";
import { initialState, type State } from "../src/state.js";
import { runTraining, type TrainingOptions } from "../src/training.js";
import type { TrainingReport } from "../src/workers/messages.js";
import { smallManifest } from "./small-manifest.js";

const sample = input("sample", "float32", ["batch", 1, 2, 3]);
const labels = input("class_labels", "int32", ["batch"]);
const graph = buildModel({
  name: "net",
  inputs: [sample, labels],
  outputs: { out_sample: mul(sample, 2) },
});
let run: RunFolder;
let artifacts: string;
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "training-"));
  run = runFolder(join(root, "run"));
  artifacts = join(root, "artifacts");
  for (const folder of [artifacts, run.root, run.checkpoints]) mkdirSync(folder);
  writeFileSync(join(artifacts, "inference_model.onnx"), writeOnnx(graph));
});

const configuration = configurationOf(smallManifest, {
  data: "mnist",
  dataDigest: "d".repeat(64),
  batch: 16,
  learningRate: 1e-4,
  seed: 3,
});

interface Script {
  readonly to: number;
  /** The loss of each step; 1 / step by default. */
  readonly loss?: (step: number) => number;
  /** Called after each chunk, with the step that was reached. */
  readonly after?: (step: number, state: State) => void;
  readonly stopAt?: number;
  readonly saveEvery?: number;
  readonly sampleEvery?: number;
  readonly configuration?: Configuration;
}

/** Trains with a stepper that only counts. */
async function trainBy(script: Script): Promise<TrainingReport[]> {
  const { to, loss = (step) => 1 / step, after, stopAt, saveEvery = 10, sampleEvery = 0 } = script;
  const chunks = planChunks({ from: 0, to, stops: [saveEvery, sampleEvery], most: 4 });
  const state = initialState(smallManifest, 3);
  let reached = 0;
  const options: TrainingOptions = {
    model: { folder: artifacts, manifest: smallManifest },
    run,
    configuration: script.configuration ?? configuration,
    device: "cpu",
    source: {
      next: async () => {
        const { value } = chunks.next();
        // The stepper below reads nothing but the range.
        return value === undefined ? undefined : (value as Chunk);
      },
    },
    stepper: {
      state,
      run: async ({ first, steps }) => {
        reached = first + steps - 1;
        state.get("step")![0] = reached;
        after?.(reached, state);
        return Float32Array.from({ length: steps }, (_, i) => loss(first + i));
      },
      dispose: async () => {},
    },
    from: 0,
    smoothed: undefined,
    to,
    saveEvery,
    sampleEvery,
    keep: 3,
    stopped: () => stopAt !== undefined && reached >= stopAt,
  };
  const reports: TrainingReport[] = [];
  for await (const report of runTraining(options)) reports.push(report);
  return reports;
}

const ofType = (reports: readonly TrainingReport[], type: TrainingReport["type"]) =>
  reports.filter((report) => report.type === type);

describe("training", () => {
  it("saves at every multiple and at the end", async () => {
    const reports = await trainBy({ to: 25 });
    expect(readdirSync(run.checkpoints)).toEqual(
      [10, 20, 25].map((step) => `step-000000${step}.safetensors`),
    );
    expect(ofType(reports, "ended")).toEqual([{ type: "ended", step: 25, saved: 25 }]);
    expect(readMetrics(run.metrics).map(({ step }) => step)).toEqual(
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    const { checkpoint } = newestCheckpoint(run.checkpoints);
    expect(checkpoint.readState(smallManifest).get("step")).toEqual(Int32Array.of(25));
    expect(checkpoint.smoothed).toBe(readMetrics(run.metrics).at(-1)!.smoothed);
  });

  it("exports a folder whose manifest holds the digests and the training", async () => {
    const reports = await trainBy({ to: 12, saveEvery: 8, sampleEvery: 5 });
    expect(ofType(reports, "exported")).toEqual([5, 10].map((step) => ({ type: "exported", step })));
    const manifest = parseManifest(readFileSync(join(run.model, "manifest.json"), "utf8"), "manifest");
    expect(manifest.training?.learningRateSchedule).toBeUndefined();
    expect(manifest.training).toMatchObject({ steps: 12, batch: 16, learningRate: 1e-4, seed: 3 });
    expect(Object.keys(manifest.files).sort()).toEqual(
      readdirSync(run.model)
        .filter((name) => name !== "manifest.json")
        .sort(),
    );
    expect(Object.keys(manifest.graphs)).toEqual(["inference_model"]);
    const exported = readOnnx(readFileSync(join(run.model, "inference_model.onnx")));
    expect(exported.graph).toEqual(readOnnx(writeOnnx(graph)).graph);
    expect(exported.metadata).toMatchObject({ network: "small", steps: "12", seed: "3", form: "onnx" });
    const weights = decodeSafetensors(readFileSync(join(run.model, "weights.safetensors")));
    expect([...weights.tensors.keys()]).toEqual(["w", "mean"]);
    expect(weights.metadata.size).toBe(0);
  });

  it("exports how the rate changed", async () => {
    await trainBy({ to: 12, configuration: { ...configuration, lrScheduler: "cosine", lrWarmupSteps: 2 } });
    const manifest = parseManifest(readFileSync(join(run.model, "manifest.json"), "utf8"), "manifest");
    expect(manifest.training?.learningRateSchedule).toEqual({ kind: "cosine", warmupSteps: 2, steps: 12 });
    expect(readFileSync(join(run.model, "README.md"), "utf8")).toContain(
      "| learning rate | 0.0001; after 2 steps of warm-up, falling to 0 at step 12 (cosine) |",
    );
  });

  it("exports the averages of what has one", async () => {
    const manifest: Manifest = {
      ...smallManifest,
      optimizer: {
        name: "adamw",
        options: { weightDecay: 0.1 },
        groups: [{ match: "*.bias", options: { weightDecay: 0 } }],
        clip: 1,
        ema: 0.9,
      },
      state: smallManifest.state.flatMap((tensor): StateTensor[] =>
        tensor.kind === "optimizer" ? [tensor, { ...tensor, name: "w.ema", kind: "average" }] : [tensor],
      ),
    };
    const state = new Map([...initialState(manifest, 3), ["w.ema", Float32Array.of(1, 2, 3, 4)]]);
    await exportModel({ folder: artifacts, manifest }, run.model, state, {
      data: "mnist",
      dataDigest: "d".repeat(64),
      steps: 1,
      batch: 16,
      learningRate: 1e-4,
      seed: 3,
      loss: 1,
      device: "cpu",
    });
    const { tensors } = decodeSafetensors(readFileSync(join(run.model, "weights.safetensors")));
    expect([...tensors.keys()]).toEqual(["w", "mean"]);
    expect(tensors.get("w")!.data).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(tensors.get("mean")!.data).toEqual(state.get("mean"));
    expect(readFileSync(join(run.model, "README.md"), "utf8")).toContain(
      "| optimizer | adamw, weightDecay 0.1; `*.bias` with options of its own; gradients clipped to a norm of 1; weights averaged with decay 0.9 |\n| seed | 3 |\n",
    );
  });

  it("ends after the running chunk when it is stopped, and saves", async () => {
    const reports = await trainBy({ to: 100, stopAt: 13 });
    // chunks of 4 that end at 10: ..., 14
    expect(ofType(reports, "ended")).toEqual([{ type: "ended", step: 14, saved: 14 }]);
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(14);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("stops at the step whose loss is %s", async (bad) => {
    await expect(trainBy({ to: 30, loss: (step) => (step === 15 ? bad : 1) })).rejects.toThrow(
      `training stopped: the loss is ${bad} at step 15; start a new run with a smaller --lr, or another --seed; ` +
        "the checkpoint of step 10 is kept",
    );
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(10);
    expect(readMetrics(run.metrics).at(-1)!.step).toBe(14);
  });

  it("does not save a state that is not finite", async () => {
    const after = (step: number, state: State) => {
      if (step === 20) state.get("w.m")![0] = Number.NaN;
    };
    await expect(trainBy({ to: 30, after })).rejects.toThrow(
      '"w.m" holds a value that is not finite after step 20',
    );
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(10);
  });

  it("keeps the former checkpoint where a new one cannot be written", async () => {
    const after = (step: number) => {
      // A file where the folder was: no user, root included, can write below it.
      if (step !== 20) return;
      rmSync(run.model, { recursive: true });
      writeFileSync(run.model, "");
    };
    await expect(trainBy({ to: 30, after })).rejects.toThrow(
      /cannot make the folder .*model: a file of that name is in the way.*; the checkpoint of step 20 is kept/,
    );
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(20);
    expect(existsSync(join(run.checkpoints, "step-00000010.safetensors"))).toBe(true);
  });
});
