/** The forms that `emit --target` writes: alike in what they compute, and on CUDA with kernels for every node. */
import { initialise, linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  convNet,
  describeTraining,
  EMIT_TARGETS,
  type EmitTarget,
  GRAPHS,
  importModel,
  loweringFor,
  type Model,
  type ModelGraph,
  modelFiles,
  type Network,
  unet,
  unetCond,
  unetTime,
  writeOnnx,
} from "../src/index.js";
import { CUDA_KERNELS, ON_HOST } from "./cuda-kernels.js";

const narrow = { channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] };
const NETWORKS: readonly (readonly [string, Network])[] = [
  ["unet", unet(narrow)],
  ["unet-cond", unetCond(narrow)],
  ["unet-time", unetTime({ ...narrow, time: 16 })],
  ["conv", convNet({ hidden: 8 })],
];
const schedule = linearSchedule(PRACTICAL_SCHEDULE);
const loopOf = (network: Network, target: EmitTarget): Model =>
  GRAPHS.training_loop.build(describeTraining(network, schedule), loweringFor("training_loop", target));

/** Losses of two steps of a batch of two. */
async function losses(network: Network, target: EmitTarget): Promise<Float32Array> {
  const { state } = describeTraining(network, schedule);
  const session = await InferenceSession.create(writeOnnx(loopOf(network, target)));
  const [steps, batch] = [2, 2];
  const image = [steps, batch, 3, 32, 32];
  const size = steps * batch * 3072;
  const out = await session.run({
    ...Object.fromEntries(state.map((t, i) => [t.name, new Tensor(t.dtype, initialise(t, i, 0), t.shape)])),
    images: new Tensor(
      "uint8",
      Uint8Array.from({ length: size }, (_, i) => (i * 37) % 256),
      image,
    ),
    timestep: new Tensor("int32", Int32Array.of(3, 90, 200, 400), [steps, batch]),
    noise: new Tensor(
      "float32",
      Float32Array.from({ length: size }, (_, i) => Math.sin(i * i)),
      image,
    ),
    ...(network.classes > 0
      ? { class_labels: new Tensor("int32", Int32Array.of(1, 2, 3, 4), [steps, batch]) }
      : {}),
    learning_rate: new Tensor("float32", [1e-3, 1e-3], [steps]),
  });
  return out.losses!.data as Float32Array;
}

describe.each(NETWORKS)("%s", (_, network) => {
  test("the loops of all devices lose the same", async () => {
    const [reference, ...others] = await Promise.all(EMIT_TARGETS.map((target) => losses(network, target)));
    for (const other of others) {
      // 1e-5: sums in another order, through one update by Adam.
      for (const [i, loss] of other.entries()) expect(Math.abs(loss / reference![i]! - 1)).toBeLessThan(1e-5);
    }
  });

  test("every node of CUDA's loop has a CUDA kernel, and no copy is needed inside", () => {
    const { graph } = loopOf(network, "cuda");
    const loop = graph.nodes.find(({ opType }) => opType === "Loop")!;
    const body = loop.attributes.body!.value as ModelGraph;
    const unknown = body.nodes.filter(({ opType }) => CUDA_KERNELS[opType] === undefined);
    expect(unknown.map(({ name, opType }) => `${opType} "${name}"`)).toEqual([]);
    expect(body.nodes.filter(({ opType }) => ON_HOST.includes(opType))).toEqual([]);
    // Outside, sizes become floats by sums of ones; a cast shape would come from the host.
    const known = [...Object.keys(CUDA_KERNELS), ...ON_HOST];
    expect(graph.nodes.filter(({ opType }) => opType === "Cast" || !known.includes(opType))).toEqual([]);
  });

  test("every node of CUDA's step has one for its element type", () => {
    const step = GRAPHS.training_step.build(
      describeTraining(network, schedule),
      loweringFor("training_step", "cuda"),
    );
    const { values } = importModel(step);
    const missing = step.graph.nodes.filter(
      ({ opType, inputs: [first] }) =>
        !ON_HOST.includes(opType) && !CUDA_KERNELS[opType]?.includes(values.get(first!)?.dtype ?? ""),
    );
    expect(missing.map(({ name, opType }) => `${opType} "${name}"`)).toEqual([]);
  });
});

test("a folder for a device has the training graphs in its form and the others as they are", async () => {
  const manifestOf = async (target?: EmitTarget) => {
    const files = await modelFiles(convNet({ hidden: 8 }), { target });
    return JSON.parse(new TextDecoder().decode(files.get("manifest.json")!)) as {
      graphs: Record<string, { target: string }>;
    };
  };
  const forms = async (target?: EmitTarget) =>
    Object.fromEntries(
      Object.entries((await manifestOf(target)).graphs).map(([name, graph]) => [name, graph.target]),
    );
  expect(await forms("cuda")).toMatchObject({
    training_loop: "gpu",
    training_step: "gpu",
    inference_model: "gpu",
  });
  expect(await forms("cpu")).toMatchObject({
    training_loop: "cpu",
    training_step: "cpu",
    inference_model: "gpu",
  });
  expect(await forms()).toMatchObject({ training_loop: "cpu", training_step: "gpu" });
});
