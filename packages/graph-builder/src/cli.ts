#!/usr/bin/env node
import { main } from "./commands/main.js";

// Whoever reads the output may stop (`| head`): what is left has no reader.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await main(process.argv.slice(2));
