/** The command line: what was typed becomes options that hold, or one line that says what is wrong. */

import { nearest, UserError } from "@onnx-diffusion/diffusion";
import yargs from "yargs";
import { type Command, type Prepared, type Typed, toggle } from "./command-lines/command.js";
import { COMMANDS } from "./command-lines/index.js";
import { oneOf } from "./flags.js";

/** What to do: a command, or help or the version to print. */
export type CommandLine =
  | (Prepared & { readonly kind: "run"; readonly command: string })
  | { readonly kind: "print"; readonly text: string };

/** Whether errors are to be shown with their stacks; readable even where the rest of the line is wrong. */
export function isVerbose(words: readonly string[]): boolean {
  return words.includes("--verbose");
}

/**
 * Reads the words after the program's name.
 *
 * @throws UserError (usage) for the first mistake.
 */
export async function parseCommandLine(words: readonly string[]): Promise<CommandLine> {
  const joined = joinNegativeNumbers(words);
  const named = joined[0] !== undefined && !joined[0].startsWith("-") ? joined[0] : undefined;
  const names = COMMANDS.map(({ name }) => name);
  const name = named === undefined ? "train" : oneOf("command", named, names);
  const command = COMMANDS.find((candidate) => candidate.name === name)!;
  const { typed, help } = await read(command, named === undefined ? joined : joined.slice(1));
  if (help !== "") return { kind: "print", text: help };
  return { kind: "run", command: name, ...command.prepare(typed) };
}

async function read(command: Command, words: readonly string[]): Promise<{ typed: Typed; help: string }> {
  const flags = { ...command.flags, verbose: toggle("Show the stack of an error") };
  checkNames(words, Object.keys(flags));
  const named = Object.keys(command.words ?? {});
  let help = "";
  const parser = yargs([...words])
    .scriptName("trainer")
    .usage(command.usage)
    .options(flags)
    .example(command.examples.map(([line, what]): [string, string] => [line, what]))
    .parserConfiguration({
      "duplicate-arguments-array": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-positional-numbers": false,
    })
    .strictOptions()
    .showHelpOnFail(false)
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // yargs' own complaints come with a message, defects without
      if (!message) throw error;
      throw new UserError(`${message.replace(/\s*\n\s*/g, " ")}; see trainer ${command.name} --help`, {
        usage: true,
      });
    });
  const { _: rest, ...typed } = (await parser.parse([...words], (_: unknown, __: unknown, output: string) => {
    help = output;
  })) as Typed & { readonly _: readonly string[] };
  const extra = rest[named.length];
  if (extra !== undefined) {
    throw new UserError(`Unknown argument: ${extra}; see trainer ${command.name} --help`, { usage: true });
  }
  return { typed: { ...typed, ...Object.fromEntries(named.map((word, i) => [word, rest[i]])) }, help };
}

/** `--steps -1` becomes `--steps=-1`: else the number would be read as flags of one letter. */
function joinNegativeNumbers(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if (/^-[\d.]/.test(word) && before?.startsWith("--") === true && !before.includes("=")) {
      joined[joined.length - 1] = `${before}=${word}`;
    } else joined.push(word);
  }
  return joined;
}

/** @throws UserError (usage) for the first unknown flag, with the nearest one. */
function checkNames(words: readonly string[], flags: readonly string[]): void {
  const known = [...flags, "help", "version"];
  for (const word of words) {
    if (!word.startsWith("--") || word === "--") continue;
    const name = word.slice(2).split("=")[0]!;
    if (known.includes(name) || known.includes(name.replace(/^no-/, ""))) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? "see --help" : `did you mean --${near}?`;
    throw new UserError(`--${name}: there is no such flag; ${hint}`, { usage: true });
  }
}
