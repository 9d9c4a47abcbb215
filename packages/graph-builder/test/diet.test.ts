/** The most portable form of a graph, against the graph itself by ONNX Runtime. */
import { linearSchedule, PRACTICAL_SCHEDULE, SAMPLERS } from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  buildModel,
  DIET_OPSET,
  diet,
  input,
  type Model,
  reduceMean,
  unetCond,
  unetTime,
  unrolledSamplerModel,
  writeOnnx,
} from "../src/index.js";
import { networkOf, WIDTHS } from "./sampling-network.js";

const operatorsOf = ({ graph }: Model) => [...new Set(graph.nodes.map(({ opType }) => opType))].sort();

async function epsOf(model: Model): Promise<Float32Array> {
  const session = await InferenceSession.create(writeOnnx(model));
  const sample = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i * 0.37));
  const feeds: Record<string, Tensor> = {
    sample: new Tensor("float32", sample, [2, 3, 32, 32]),
    class_labels: new Tensor("int32", Int32Array.of(9, 0), [2]),
  };
  if (session.inputNames.includes("timestep"))
    feeds.timestep = new Tensor("int32", Int32Array.of(1, 400), [2]);
  const { out_sample } = await session.run(feeds);
  await session.release();
  return out_sample!.data as Float32Array;
}

describe.each([
  ["unet-cond", unetCond, []],
  ["unet-time", unetTime, ["Cos", "Gemm", "MatMul", "Sigmoid", "Sin", "Split"]],
] as const)("%s", (_, networkBy, more) => {
  test("on a diet computes the same, in few operators of an old operator set", async () => {
    const network = await networkOf(networkBy(WIDTHS));
    const thin = diet(network);
    expect(thin.opset).toBe(DIET_OPSET);
    // No BatchNormalization, ConvTranspose, Equal, Shape or Expand, which one runtime or another lacks.
    const few = ["Add", "Cast", "Concat", "Conv", "Mul", "Relu", "Reshape", "Sub", "Transpose", ...more];
    expect(operatorsOf(thin)).toEqual(few.sort());
    const [whole, found] = [await epsOf(network), await epsOf(thin)];
    const largest = Math.max(...whole.map(Math.abs));
    // Factors are multiplied into weights before the sums instead of after: float32 rounding in ten layers.
    expect(Math.max(...whole.map((eps, i) => Math.abs(eps - found[i]!)))).toBeLessThan(1e-5 * largest);
  });
});

test("a sampler on a diet has the network's weights once", async () => {
  const network = await networkOf(unetCond(WIDTHS));
  const rows = SAMPLERS.ddim(linearSchedule(PRACTICAL_SCHEDULE), 6);
  const [two, six] = [rows.slice(0, 2), rows].map((some) =>
    unrolledSamplerModel({ network, rows: some, range: [-1, 1] }),
  );
  const bytes = ({ graph }: Model) =>
    graph.initializers.reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0);
  expect(six!.graph.nodes.length).toBeGreaterThan(2 * two!.graph.nodes.length);
  // each row has a few numbers of its own
  expect(bytes(six!) - bytes(two!)).toBeLessThan(200);
  expect(operatorsOf(six!)).not.toContain("Loop");
});

test("a graph of other operators is refused by name", () => {
  const x = input("x", "float32", ["batch", 4]);
  const model = buildModel({ name: "mean", inputs: [x], outputs: { y: reduceMean(x) } });
  expect(() => diet(model)).toThrow(/^diet: node "ReduceMean" is ReduceMean, which has no form in/);
});
