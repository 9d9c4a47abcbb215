#!/usr/bin/env node
/** The `trainer` command. */

import { UserError } from "@onnx-diffusion/diffusion";
import { isVerbose, parseCommandLine } from "./command-line.js";

async function main(words: readonly string[]): Promise<number> {
  try {
    const line = await parseCommandLine(words);
    // Loaded when needed: help and mistakes answer without the runtime.
    switch (line.command) {
      case "print":
        console.log(line.text);
        return 0;
      case "train":
        return await (await import("./commands/train.js")).trainCommand(line.options);
      case "sample":
        return await (await import("./commands/sample.js")).sampleCommand(line.options);
    }
  } catch (error) {
    return fail(error, isVerbose(words));
  }
}

/** Prints an error in one line, or with its stack. @returns the exit code. */
function fail(error: unknown, verbose: boolean): number {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof UserError;
  const line = message.replace(/\s*\n\s*/g, " ");
  console.error(known ? `trainer: ${line}` : `trainer: unexpected error: ${line} (--verbose shows where)`);
  if (verbose) console.error(stack);
  return known ? error.exitCode : 1;
}

process.exitCode = await main(process.argv.slice(2));
