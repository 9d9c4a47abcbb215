/** Guidance inside the graph, against two questions to the network and their sum in float64. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { convNet, diet, GraphError, guidedModel, unetCond, unetTime, writeOnnx } from "../src/index.js";
import { networkOf, WIDTHS } from "./sampling-network.js";

const CLASSES = 10;
const SIZE = 3 * 32 * 32;
const x = Float32Array.from({ length: 4 * SIZE }, (_, i) => Math.sin(i * 0.7) * 1.3);

async function answer(bytes: Uint8Array, labels: readonly number[], timestep: number) {
  const session = await InferenceSession.create(bytes);
  const feeds: Record<string, Tensor> = {
    sample: new Tensor("float32", x, [4, 3, 32, 32]),
    class_labels: new Tensor("int32", Int32Array.from(labels), [4]),
    timestep: new Tensor("int32", new Int32Array(4).fill(timestep), [4]),
  };
  const taken = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!]));
  const { out_sample } = await session.run(taken);
  await session.release();
  return out_sample!;
}

test.each([
  ["unet-cond", unetCond],
  ["unet-time", unetTime],
] as const)("%s leans away from one other class at each timestep", async (_, networkBy) => {
  const network = await networkOf(networkBy(WIDTHS));
  const guided = guidedModel(network, { classes: CLASSES, guidance: 2.5 });
  expect(guided.graph.inputs.map(({ name }) => name)).toEqual(["sample", "timestep", "class_labels"]);
  const labels = [0, 3, 9, 5];
  const seen = labels.map(() => new Set<number>());
  for (const timestep of [400, 399, 398, 397, 396, 395, 394, 393, 392]) {
    const others = labels.map((y) => (y + 1 + (timestep % 9)) % CLASSES);
    for (const [i, other] of others.entries()) seen[i]!.add(other);
    if (timestep < 398) continue;
    const [asked, other] = [
      await answer(writeOnnx(network), labels, timestep),
      await answer(writeOnnx(network), others, timestep),
    ].map(({ data }) => data as Float32Array) as [Float32Array, Float32Array];
    expect(asked).not.toEqual(other);
    const expected = asked.map((value, i) => value + 2.5 * (value - other[i]!));
    for (const model of [guided, diet(guided)]) {
      const found = await answer(writeOnnx(model), labels, timestep);
      expect(found.dims).toEqual([4, 3, 32, 32]);
      const error = Math.max(...expected.map((v, i) => Math.abs(v - (found.data as Float32Array)[i]!)));
      // values up to some 10, rounded to float32 a dozen times on either way
      expect(error).toBeLessThan(2e-5);
    }
  }
  // over the timesteps every class but the own one has its turn
  seen.forEach((classes, i) => {
    expect([...classes].sort()).toEqual([...Array(CLASSES).keys()].filter((c) => c !== labels[i]));
  });
});

test("a network without classes, or with one, is refused", async () => {
  const plain = await networkOf(convNet({ hidden: 4 }));
  expect(() => guidedModel(plain, { classes: 10, guidance: 1 })).toThrow(
    new GraphError(
      'guidance of "conv": found no input class_labels, expected a network of two classes or more',
    ),
  );
  const one = await networkOf(unetCond({ ...WIDTHS, classes: 1 }));
  expect(() => guidedModel(one, { classes: 1, guidance: 1 })).toThrow(/found one class/);
});
