/** Batch norms go into the convolutions before them where that leaves the results, by ONNX Runtime, and stay elsewhere. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { foldBatchNorms } from "../src/diet/fold-batch-norms.js";
import {
  add,
  buildModel,
  constant,
  conv,
  convTranspose,
  input,
  type Model,
  relu,
  type Tensor,
  writeOnnx,
} from "../src/index.js";
import { apply } from "../src/op.js";
import { OPS } from "../src/ops/registry.js";
import { randoms } from "./run.js";

const random = randoms(1);
const weights = (...shape: number[]): Tensor =>
  constant(
    "float32",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() + 0.1),
  );
const norm = (x: Tensor, epsilon?: number): Tensor => {
  const channels = x.shape[1] as number;
  const statistics = [1, 2, 3, 4].map(() => weights(channels));
  return apply(OPS.get("BatchNormalization")!, [x, ...statistics], epsilon === undefined ? {} : { epsilon });
};
const x = input("x", "float32", [1, 4, 3, 3]);
const w = input("w", "float32", [4, 4, 1, 1]);

async function run(model: Model): Promise<number[]> {
  const session = await InferenceSession.create(writeOnnx(model));
  const feeds = Object.fromEntries(
    model.graph.inputs.map(({ name, shape }) => {
      const size = shape.reduce<number>((a, b) => a * Number(b), 1);
      const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
      return [name, new OrtTensor("float32", data, shape as readonly number[])];
    }),
  );
  const { y } = await session.run(feeds);
  await session.release();
  return Array.from(y!.data as Float32Array);
}

test.each<[string, () => Tensor, number]>([
  ["after a convolution", () => norm(conv(x, weights(6, 4, 2, 2))), 0],
  [
    "after one with a bias and groups",
    () => norm(conv(x, weights(6, 2, 2, 2), { group: 2, bias: weights(6) }), 1e-3),
    0,
  ],
  [
    "after a transposed convolution",
    () => norm(convTranspose(x, weights(4, 6, 2, 2), { bias: weights(6) })),
    0,
  ],
  ["after a transposed one of groups", () => norm(convTranspose(x, weights(4, 3, 2, 2), { group: 2 })), 1],
  ["after an input", () => norm(x), 1],
  ["after another operator", () => norm(relu(x)), 1],
  ["after a convolution by a weight that is an input", () => norm(conv(x, w)), 1],
  [
    "after a convolution that others use",
    () => {
      const c = conv(x, weights(4, 4, 1, 1));
      return add(norm(c), c);
    },
    1,
  ],
])("%s", async (_, build, left) => {
  const y = build();
  const model = buildModel({ name: "m", inputs: [x, w], outputs: { y } });
  const folded = { ...model, graph: foldBatchNorms(model.graph) };
  expect(folded.graph.nodes.filter(({ opType }) => opType === "BatchNormalization")).toHaveLength(left);
  const [before, after] = [await run(model), await run(folded)];
  // float32: factors are multiplied before sums of some ten terms instead of after.
  before.forEach((value, i) => {
    expect(Math.abs(value - after[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
  });
});
