import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  decodeSafetensors,
  type Manifest,
  parseManifest,
  type StateTensor,
  UserError,
} from "@onnx-diffusion/diffusion";
import { buildModel, input, mul, readOnnx, writeOnnx } from "@onnx-diffusion/graph-builder";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
// Built: a thread starts from a file.
import { createSaver, type Saver } from "../dist/saver.js";
import type { Chunk } from "../src/batches.js";
import { decodeCheckpoint } from "../src/checkpoint.js";
import { listCheckpoints, newestCheckpoint } from "../src/checkpoints.js";
import { type Configuration, configurationOf } from "../src/configuration.js";
import { exportModel } from "../src/export.js";
import { readMetrics } from "../src/metrics.js";
import { planChunks } from "../src/plan.js";
import { type RunFolder, runFolder } from "../src/run-folder.js";
import { type Outcome, type SavingOptions, type Snapshot, saveSnapshot } from "../src/saving.js";
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
  readonly after?: (step: number, state: State) => unknown;
  readonly stopAt?: number;
  readonly saveEvery?: number;
  readonly sampleEvery?: number;
  readonly configuration?: Configuration;
  /** Saves in this thread by default. */
  readonly save?: (snapshot: Snapshot, options: SavingOptions) => Promise<Outcome>;
  readonly onReport?: (report: TrainingReport) => unknown;
}

/** Trains with a stepper that only counts. */
async function trainBy(script: Script): Promise<TrainingReport[]> {
  const { to, loss = (step) => 1 / step, after, stopAt, saveEvery = 10, sampleEvery = 0 } = script;
  const { save = (snapshot, options) => saveSnapshot(options, snapshot) } = script;
  const chunks = planChunks({ from: 0, to, stops: [saveEvery, sampleEvery], most: 4 });
  const state = initialState(smallManifest, 3);
  let reached = 0;
  const saving: SavingOptions = {
    model: { folder: artifacts, manifest: smallManifest },
    run,
    configuration: script.configuration ?? configuration,
    device: "cpu",
    to,
    keep: 3,
  };
  const options: TrainingOptions = {
    run,
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
    save: (snapshot) => save(snapshot, saving),
    stopped: () => stopAt !== undefined && reached >= stopAt,
  };
  const reports: TrainingReport[] = [];
  for await (const report of runTraining(options)) {
    reports.push(report);
    script.onReport?.(report);
  }
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
    const save: Script["save"] = (snapshot, options) => {
      if (snapshot.step === 20) spoilExports();
      return saveSnapshot(options, snapshot);
    };
    await expect(trainBy({ to: 30, save })).rejects.toThrow(NOT_WRITTEN);
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(20);
    expect(existsSync(join(run.checkpoints, "step-00000010.safetensors"))).toBe(true);
  });
});

const NOT_WRITTEN =
  /cannot make the folder .*model: a file of that name is in the way.*; the checkpoint of step 20 is kept/;

/** A file where the folder was: no user, root included, can write below it. */
function spoilExports(): void {
  rmSync(run.model, { recursive: true });
  writeFileSync(run.model, "");
}

describe("while a step is saved", () => {
  const whole = (step: number): Outcome => ({ path: `checkpoint ${step}`, error: undefined });
  const full: Outcome = { path: undefined, error: new UserError("no space left") };

  /** A save of step 10 that ends when it is told to; others end at once. */
  function slowSave() {
    let end: (outcome: Outcome) => void = () => {};
    const slow = new Promise<Outcome>((resolve) => {
      end = resolve;
    });
    const save = async ({ step }: Snapshot) => (step === 10 ? slow : whole(step));
    return { save, end };
  }
  const told: string[] = [];
  const onReport = (report: TrainingReport) =>
    told.push(`${report.type} ${report.type === "steps" ? report.first : "step" in report && report.step}`);
  beforeEach(() => {
    told.length = 0;
  });

  it("steps are taken", async () => {
    const { save, end } = slowSave();
    // a loop that waited for the disk would never come here
    const after = (step: number) => step === 18 && end(whole(10));
    await trainBy({ to: 20, save, after, onReport });
    expect(told).toEqual([
      ...["steps 1", "steps 5", "steps 9", "steps 11", "steps 15"],
      ...["saved 10", "steps 19", "saved 20", "ended 20"],
    ]);
  });

  it.each([20, 10])("the next save waits, and so does the end of a run of %i steps", async (to) => {
    const log: string[] = [];
    const save = async ({ step }: Snapshot) => {
      log.push(`begun ${step}`);
      // enough for a loop that does not wait to come around
      for (let turn = 0; turn < 100; turn++) await setImmediate();
      log.push(`done ${step}`);
      return whole(step);
    };
    await trainBy({ to, saveEvery: 5, save, onReport: (report) => log.push(report.type) });
    const each = (step: number) => [`begun ${step}`, `done ${step}`, "saved"];
    const steps = Array.from({ length: to / 5 }, (_, i) => 5 * (i + 1));
    expect(log.filter((line) => line !== "steps")).toEqual([...steps.flatMap(each), "ended"]);
  });

  it("a stop waits for it, and saves what came after it", async () => {
    const { save, end } = slowSave();
    const after = (step: number) => step === 14 && setTimeout(() => end(whole(10)));
    await trainBy({ to: 100, stopAt: 13, save, after, onReport });
    expect(told.slice(-4)).toEqual(["steps 11", "saved 10", "saved 14", "ended 14"]);
  });

  it("the run ends after the running chunk if that fails", async () => {
    const { save, end } = slowSave();
    const after = (step: number) => step === 14 && end(full);
    await expect(trainBy({ to: 100, save, after, onReport })).rejects.toThrow(
      new UserError("no space left; nothing was saved before"),
    );
    expect(told.at(-1)).toBe("steps 11");
  });

  it("a loss that is not finite is told after it, or what it failed with instead", async () => {
    for (const [outcome, message] of [
      [whole(10), /the loss is NaN at step 13.*; the checkpoint of step 10 is kept/],
      [full, /^no space left; nothing was saved before/],
    ] as const) {
      const { save, end } = slowSave();
      const after = (step: number) => step === 14 && setTimeout(() => end(outcome));
      const loss = (step: number) => (step === 13 ? Number.NaN : 1);
      await expect(trainBy({ to: 100, save, after, loss, onReport })).rejects.toThrow(message);
    }
    expect(told.filter((line) => line.startsWith("saved"))).toEqual(["saved 10"]);
  });
});

describe("the saving thread", () => {
  let saver: Saver | undefined;
  afterEach(async () => {
    await saver?.dispose();
    saver = undefined;
  });

  // Windows has no named pipes in folders
  it.skipIf(process.platform === "win32")("writes what the state was, while steps are taken", async () => {
    // The export reads a graph, which here is a pipe: it comes when someone writes it, and holds the thread up till then.
    const pipe = join(artifacts, "inference_model.onnx");
    rmSync(pipe);
    execFileSync("mkfifo", [pipe]);
    const written: Promise<void>[] = [];
    const feed = () => written.push(writeFile(pipe, writeOnnx(graph)));
    const reports = await trainBy({
      to: 20,
      save: (snapshot, options) => {
        saver ??= createSaver(options);
        return saver.save(snapshot);
      },
      after: (step) => step === 14 && feed(),
      onReport: (report) => report.type === "saved" && report.step === 10 && feed(),
    });
    await Promise.all(written);
    expect(ofType(reports, "saved")).toHaveLength(2);
    for (const { step, path } of listCheckpoints(run.checkpoints)) {
      const state = decodeCheckpoint(readFileSync(path), path).readState(smallManifest);
      expect(state.get("step")).toEqual(Int32Array.of(step));
    }
    const manifest = parseManifest(readFileSync(join(run.model, "manifest.json"), "utf8"), "manifest");
    expect(manifest.knownAnswer).toBeDefined();
  });

  it("says what it failed with", async () => {
    const save: Script["save"] = (snapshot, options) => {
      if (snapshot.step === 20) spoilExports();
      saver ??= createSaver(options);
      return saver.save(snapshot);
    };
    const failure = await trainBy({ to: 30, save }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toMatch(NOT_WRITTEN);
    expect(newestCheckpoint(run.checkpoints).checkpoint.step).toBe(20);
  });
});
