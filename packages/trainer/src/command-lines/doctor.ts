import type { DoctorOptions } from "../commands/doctor.js";
import { oneOf } from "../flags.js";
import { defineCommand, given, text } from "./command.js";

export const doctorLine = defineCommand<DoctorOptions>({
  name: "doctor",
  usage: `trainer doctor [flags]

Says what this machine has to train on: processor and runtime, and for CUDA the driver, the card, ONNX Runtime's
provider, and each library that the provider needs, with what to do about those that are missing.`,
  examples: [["trainer doctor --device cuda", "exit code 1 where CUDA would not work"]],
  flags: { device: text("The device that must work: cpu or cuda [default: cpu]") },
  options: (typed) => ({ device: oneOf("--device", given(typed, "device") ?? "cpu", ["cpu", "cuda"]) }),
  run: async (options) => (await import("../commands/doctor.js")).doctorCommand(options),
});
