/** What a command declares: its flags, how they become options that hold, and what it does with them. */

import { UserError } from "@onnx-diffusion/diffusion";
import { fileToWrite, wholeNumber } from "../flags.js";

/** A flag as yargs takes it. Numbers are read as text, so that every mistake gets our own line. */
export interface Flag {
  readonly type: "string" | "boolean";
  readonly describe: string;
  readonly requiresArg?: boolean;
}

/** What was typed, by flag; words without dashes by the names that the command gave them. */
export type Typed = Readonly<Record<string, string | boolean | undefined>>;

interface Definition<Options> {
  readonly name: string;
  /** Words that follow the command's name, in order: name and what it is, for help. All may be left out. */
  readonly words?: Readonly<Record<string, string>>;
  /** The lines after "trainer <name>" in help. */
  readonly usage: string;
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** @throws UserError (usage) for the first value that does not hold. */
  options(typed: Typed): Options;
  /** Does it; loads the runtime and the like only now, so that help and mistakes answer at once. */
  run(options: Options): Promise<number>;
}

export interface Command extends Omit<Definition<unknown>, "options" | "run"> {
  /** Checks what was typed. @throws UserError (usage) for the first mistake. */
  prepare(typed: Typed): Prepared;
}

/** A command whose options hold. */
export interface Prepared {
  readonly options: unknown;
  /** @returns the exit code. */
  run(): Promise<number>;
}

export function defineCommand<Options>({ options, run, ...command }: Definition<Options>): Command {
  return {
    ...command,
    prepare(typed) {
      const checked = options(typed);
      return { options: checked, run: () => run(checked) };
    },
  };
}

/** The largest count of steps: int32 counts them. */
export const MOST_STEPS = 2 ** 31 - 1;
export const MOST = Number.MAX_SAFE_INTEGER;

export const text = (describe: string): Flag => ({ type: "string", describe, requiresArg: true });
export const number = (describe: string, usual?: number | string): Flag =>
  text(usual === undefined ? describe : `${describe} [default: ${usual}]`);
export const toggle = (describe: string): Flag => ({ type: "boolean", describe });

/** The text after a flag, or undefined where it was not given. */
export function given(typed: Typed, flag: string): string | undefined {
  const value = typed[flag];
  return typeof value === "string" ? value : undefined;
}

/** @throws UserError (usage) where the flag was not given. */
export function required(typed: Typed, flag: string, example: string): string {
  const value = given(typed, flag);
  if (value !== undefined && value !== "") return value;
  throw new UserError(`--${flag} is missing, such as ${example}; see trainer --help`, { usage: true });
}

/** A whole number in least..most, or undefined where the flag was not given. @throws UserError (usage). */
export function whole(typed: Typed, flag: string, least: number, most: number): number | undefined {
  const value = given(typed, flag);
  return value === undefined ? undefined : wholeNumber(`--${flag}`, value, least, most);
}

/** A file to write, or undefined where the flag was not given. @throws UserError (usage) for a name of another kind. */
export function output(typed: Typed, flag: string, ending: ".png" | ".npy"): string | undefined {
  const value = given(typed, flag);
  return value === undefined ? undefined : fileToWrite(`--${flag}`, value, ending);
}
