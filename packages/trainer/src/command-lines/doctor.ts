import type { DoctorOptions } from "../commands/doctor.js";
import { oneOf } from "../flags.js";
import { defineCommand, given, text } from "./command.js";

export const doctorLine = defineCommand<DoctorOptions>({
  name: "doctor",
  usage: `trainer doctor [flags]

Says what this machine has to train on: processor and runtime, and for CUDA the driver, the card, ONNX Runtime's
provider, and each library that the provider needs, with what to do about those that are missing. With a model folder, also
whether every node of its training graph runs on the device.`,
  examples: [
    ["trainer doctor --device cuda", "exit code 1 where CUDA would not work"],
    [
      "trainer doctor --device cuda --artifacts models/unet-cond-cuda",
      "or a node would run elsewhere, with copies around it",
    ],
  ],
  flags: {
    device: text("The device that must work: cpu or cuda [default: cpu]"),
    artifacts: text("Model folder, made by graph-builder emit"),
  },
  options: (typed) => ({
    device: oneOf("--device", given(typed, "device") ?? "cpu", ["cpu", "cuda"]),
    artifacts: given(typed, "artifacts"),
  }),
  run: async (options) => (await import("../commands/doctor.js")).doctorCommand(options),
});
