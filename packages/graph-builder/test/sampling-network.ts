/** Narrow networks with weights inside, for samplers. */
import { initialise, linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { describeTraining, GRAPHS, loadExternalData, native, type unetCond } from "../src/index.js";

export const WIDTHS = { channels: [4, 4, 4, 4], bottleneck: 4, up: [4, 4, 4, 4] } as const;

const schedule = linearSchedule(PRACTICAL_SCHEDULE);

/** An inference graph with random weights inside. */
export async function networkOf(network: ReturnType<typeof unetCond>) {
  const training = describeTraining(network, schedule, {});
  const model = GRAPHS.inference_model.build(training, native);
  const values = new Map(training.state.map((t, i) => [t.name, initialise(t, i, 3)]));
  const byPlace = new Map(
    model.graph.initializers.flatMap(({ name, data }) =>
      ArrayBuffer.isView(data) ? [] : [[data.offset, values.get(name)!] as const],
    ),
  );
  return loadExternalData(model, async ({ offset }) => {
    const { buffer, byteOffset, byteLength } = byPlace.get(offset)!;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}
