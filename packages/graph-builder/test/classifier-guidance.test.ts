/** The classifier guidance example: the guided eps against numeric gradients, and where it leads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  ddim,
  encodeSafetensors,
  initialise,
  linearSchedule,
  PRACTICAL_SCHEDULE,
  parseManifest,
  SAFETENSORS_DTYPE,
  sample,
} from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guided } from "../examples/classifier-guidance.js";
import {
  add,
  buildModel,
  cast,
  constant,
  gemm,
  input,
  type Model,
  modelFiles,
  mul,
  readOnnx,
  reshape,
  tanh,
  unetCond,
  writeOnnx,
} from "../src/index.js";
import { randoms } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "guidance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const schedule = linearSchedule(PRACTICAL_SCHEDULE);
const judge = readFileSync(fileURLToPath(new URL("../../../models/judge/classifier.onnx", import.meta.url)));
const N = 4;
const SIZE = 3 * 32 * 32;

const floats = (length: number, scale: number, seed: number): Float32Array => {
  const random = randoms(seed);
  return Float32Array.from({ length }, () => (random() * 2 - 1) * scale);
};

/** logits = tanh(x A) B + t / 400: smooth, and told the timestep. */
function smoothClassifier(): Model {
  const images = input("images", "float32", ["batch", 3, 32, 32]);
  const timestep = input("timestep", "int32", ["batch"]);
  const hidden = tanh(
    gemm(reshape(images, ["batch", SIZE]), constant("float32", [SIZE, 16], floats(SIZE * 16, 0.03, 1))),
  );
  const logits = gemm(hidden, constant("float32", [16, 10], floats(160, 1, 2)));
  const slope = constant("float32", [10], floats(10, 1, 3));
  const time = mul(reshape(cast(timestep, "float32"), ["batch", 1]), 1 / 400);
  return buildModel({
    name: "smooth",
    inputs: [images, timestep],
    outputs: { logits: add(logits, mul(time, slope)) },
  });
}

const x = floats(N * SIZE, 1.5, 4);
const timestep = Int32Array.of(1, 50, 200, 400);
const labels = Int32Array.of(3, 1, 4, 1);

interface Step {
  readonly eps: Float32Array;
  readonly logProbability: Float32Array;
}
type Guided = (x: Float32Array, timestep: Int32Array, scale: number) => Promise<Step>;

/** A small U-Net with its initial weights, guided by a classifier. */
async function guidedUnet(classifier: Model): Promise<Guided> {
  const files = await modelFiles(
    unetCond({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] }),
  );
  const manifest = parseManifest(new TextDecoder().decode(files.get("manifest.json")!), "manifest.json");
  const weights = manifest.state.flatMap((tensor, i) => {
    const exported = tensor.kind === "parameter" || tensor.kind === "buffer";
    return exported
      ? [{ ...tensor, dtype: SAFETENSORS_DTYPE[tensor.dtype], data: initialise(tensor, i, 1) }]
      : [];
  });
  writeFileSync(path.join(folder, "weights.safetensors"), encodeSafetensors(weights));
  const file = path.join(folder, "guided_model.onnx");
  writeFileSync(file, writeOnnx(guided(readOnnx(files.get("inference_model.onnx")!), classifier, schedule)));
  const session = await InferenceSession.create(file);
  return async (x, timestep, scale) => {
    const n = timestep.length;
    const results = await session.run({
      sample: new Tensor("float32", x, [n, 3, 32, 32]),
      timestep: new Tensor("int32", timestep, [n]),
      class_labels: new Tensor("int32", labels.subarray(0, n), [n]),
      guidance_scale: new Tensor("float32", [scale], []),
    });
    return {
      eps: results.out_sample!.data as Float32Array,
      logProbability: results.log_probability!.data as Float32Array,
    };
  };
}

describe("by a smooth classifier that is told the timestep", () => {
  let run: Guided;
  beforeAll(async () => {
    run = await guidedUnet(smoothClassifier());
  });

  test("eps moves against the gradient of log p, as differences of log p find it", async () => {
    const [plain, strong] = [await run(x, timestep, 0), await run(x, timestep, 2)];
    const direction = floats(N * SIZE, 1, 5);
    const h = 0.01;
    const moved = async (by: number) =>
      (
        await run(
          x.map((value, i) => value + by * direction[i]!),
          timestep,
          0,
        )
      ).logProbability;
    const [above, below] = [await moved(h), await moved(-h)];
    for (let n = 0; n < N; n++) {
      let along = 0;
      for (let i = n * SIZE; i < (n + 1) * SIZE; i++)
        along += (strong.eps[i]! - plain.eps[i]!) * direction[i]!;
      const alphaBar = schedule.float64.alphaBar[timestep[n]!]!;
      const slope = (above[n]! - below[n]!) / (2 * h);
      // log p is about 3 with an error of 2e-7 * 3; over 2 h that is 3e-5. The slopes are around 1, and h^2 times
      // the third derivative adds 1e-4 at most.
      expect(Math.abs(along - -2 * Math.sqrt(1 - alphaBar) * slope)).toBeLessThan(1e-3);
    }
  });
});

describe("by the judge", () => {
  test("a chain of ten DDIM steps ends where the wanted digits are likelier, the more so the stronger", async () => {
    const run = await guidedUnet(readOnnx(judge));
    const end = async (scale: number) => {
      let last = x;
      const denoise = async (xt: Float32Array, t: number) =>
        (await run(xt, new Int32Array(N).fill(t), scale)).eps;
      for await (const step of sample({ rows: ddim(schedule, 10), x, denoise, noise: () => {} }))
        last = step.x;
      const { logProbability } = await run(last, new Int32Array(N).fill(1), 0);
      return logProbability.reduce((a, b) => a + b) / N;
    };
    const [none, weak, strong] = [await end(0), await end(1), await end(4)];
    expect(weak).toBeGreaterThan(none);
    expect(strong).toBeGreaterThan(weak);
  });
});
