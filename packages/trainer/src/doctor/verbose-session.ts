/** Makes a training session whose log goes to the error stream; a process of its own, as that log is ONNX Runtime's own. */

import { argv, exit } from "node:process";
import { UserError } from "@onnx-diffusion/diffusion";
import { readModelFolder } from "../artifacts.js";
import type { Device } from "../device-names.js";
import { createTrainingSession } from "../devices.js";

const [, , artifacts, device] = argv;
try {
  const model = readModelFolder(artifacts!, "--artifacts");
  const { session, graph } = await createTrainingSession(model, device as Device, {
    threads: 1,
    verbose: true,
  });
  console.log(graph);
  await session.release();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.log(error.message);
  exit(1);
}
