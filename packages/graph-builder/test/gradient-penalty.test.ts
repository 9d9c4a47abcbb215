/** The example's loss, penalty and their gradients by the weights, against PyTorch's in float64. */
import { readFileSync } from "node:fs";
import { decodeSafetensors } from "@onnx-diffusion/diffusion";
import {
  buildModel,
  Collector,
  gradients,
  input,
  type Model,
  native,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { criticModel, gradientPenalty } from "../examples/gradient-penalty.js";

const { tensors } = decodeSafetensors(
  readFileSync(new URL("../../../test/golden/gradient-penalty.safetensors", import.meta.url)),
);
const BATCH = 4;

async function outputsOf(model: Model) {
  const session = await InferenceSession.create(writeOnnx(model));
  return session.run(
    Object.fromEntries(
      model.graph.inputs.map(({ name, shape }) => {
        const dims = shape.map((dim) => (dim === "batch" ? BATCH : (dim as number)));
        const { data } = tensors.get(name) ?? tensors.get(`weights/${name}`)!;
        return [name, new Tensor("float32", data as Float32Array, dims)];
      }),
    ),
  );
}

/** |ours - theirs| / |theirs|; theirs by its name in the file. */
function distance(ours: Tensor, theirs: string): number {
  const [a, b] = [ours.data as Float32Array, tensors.get(theirs)!.data as Float64Array];
  expect(a.length).toBe(b.length);
  return Math.hypot(...b.map((v, i) => v - a[i]!)) / Math.hypot(...b);
}

// float32 against float64: sums of at most 2,000 products err by a few 1e-7; a wrong term would show at once.
const TOLERANCE = 1e-5;

test("the critic's loss and its gradient are PyTorch's", async () => {
  const model = criticModel();
  const results = await outputsOf(model);
  expect(distance(results.loss as Tensor, "loss")).toBeLessThan(TOLERANCE);
  expect(distance(results.penalty as Tensor, "penalty")).toBeLessThan(TOLERANCE);
  const grads = Object.keys(results).filter((name) => name.endsWith("_grad"));
  expect(grads).toHaveLength(6);
  for (const name of grads.filter((n) => n !== "out.bias_grad"))
    expect(distance(results[name] as Tensor, `grad/${name.slice(0, -5)}`), name).toBeLessThan(TOLERANCE);
  // The bias moves both means alike.
  expect(Math.abs(Number(results["out.bias_grad"]!.data[0]))).toBeLessThan(1e-6);
});

test("the penalty's own gradient is PyTorch's: a gradient of a gradient", async () => {
  const collector = new Collector({ training: true, lowering: native });
  const real = input("real", "float32", ["batch", 1, 8, 8]);
  const fake = input("fake", "float32", ["batch", 1, 8, 8]);
  const mix = input("mix", "float32", ["batch", 1, 1, 1]);
  const penalty = gradientPenalty(collector.root, real, fake, mix);
  const names = [...collector.tensors.keys()];
  const parameters = [...collector.tensors.values()];
  const grads = gradients(penalty, parameters, { unused: "zero" });
  const outputs = Object.fromEntries(names.map((name, i) => [`${name}_grad`, grads[i]!]));
  const inputs = [...parameters, real, fake, mix];
  const results = await outputsOf(buildModel({ name: "penalty", inputs, outputs }));
  for (const name of names) {
    const theirs = tensors.get(`penalty_grad/${name}`)!.data as Float64Array;
    // A leaky ReLU's slope does not change with a bias: PyTorch has zeros there too.
    if (theirs.every((v) => v === 0))
      expect((results[`${name}_grad`]!.data as Float32Array).every((v) => v === 0)).toBe(true);
    else
      expect(distance(results[`${name}_grad`] as Tensor, `penalty_grad/${name}`), name).toBeLessThan(
        TOLERANCE,
      );
  }
  expect(names.filter((name) => name.endsWith(".weight"))).toHaveLength(3);
});
