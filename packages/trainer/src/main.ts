/** The `trainer` command as a function. */

import { UserError } from "@onnx-diffusion/diffusion";
import { isVerbose, parseCommandLine } from "./command-line.js";

/**
 * Runs the command with the words after its name, prints what it has to say, and returns the exit code: 0, 1 for a
 * failure, 2 for a mistake on the command line, 128 and the signal's number where a signal stopped it.
 */
export async function runTrainer(words: readonly string[]): Promise<number> {
  try {
    const line = await parseCommandLine(words);
    if (line.kind === "run") return await line.run();
    console.log(line.text);
    return 0;
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
