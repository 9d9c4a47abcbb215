/** The thread that writes checkpoints and exports, while training goes on. */

import { parentPort, workerData } from "node:worker_threads";
import { type SavingOptions, saveSnapshot } from "../saving.js";
import { failureOf, type SavingCommand, type SavingReport } from "./messages.js";

const training = parentPort!;
const options = workerData as SavingOptions;
const report = (message: SavingReport) => training.postMessage(message);

training.on("message", async (command: SavingCommand) => {
  if (command.type === "stop") {
    training.close();
    return;
  }
  const { path, error } = await saveSnapshot(options, command.snapshot);
  report({ type: "saved", path, failure: error && failureOf(error) });
});
