#!/usr/bin/env node
import { runTrainer } from "./main.js";

// Whoever reads the output may stop (`| head`); a run goes on without a reader.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await runTrainer(process.argv.slice(2));
