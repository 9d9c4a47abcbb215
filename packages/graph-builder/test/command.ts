/** The `graph-builder` command in this process, so that coverage sees it. */
import { vi } from "vitest";
import { main } from "../src/commands/main.js";

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line with `cwd` as the working directory. */
export async function command(cwd: string, ...args: string[]): Promise<CommandResult> {
  const before = process.cwd();
  const out = capture(process.stdout);
  const err = capture(process.stderr);
  process.chdir(cwd);
  try {
    const status = await main(args);
    return { status, stdout: out.text(), stderr: err.text() };
  } finally {
    process.chdir(before);
    out.stop();
    err.stop();
  }
}

function capture(stream: NodeJS.WriteStream) {
  let text = "";
  const spy = vi.spyOn(stream, "write").mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  return { text: () => text, stop: () => spy.mockRestore() };
}
