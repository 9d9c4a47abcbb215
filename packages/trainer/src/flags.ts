/** Reading what was typed after a flag: every mistake is one line and exit code 2. */

import { join, parse } from "node:path";
import { nearest, UserError } from "@onnx-diffusion/diffusion";

function usage(message: string): UserError {
  return new UserError(message, { usage: true });
}

/**
 * A whole number such as `500`, `2e4` or `25000`.
 *
 * @param flag the flag's name with its dashes, for the message.
 * @throws UserError (usage) if the text is no whole number or lies outside least..most.
 */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw usage(`${flag}: found ${quote(text)}, expected a whole number in ${least}..${most}`);
  }
  return value;
}

/**
 * A number above 0 that float32 can hold, such as a learning rate.
 *
 * @throws UserError (usage) if the text is none.
 */
export function positiveNumber(flag: string, text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0) || !Number.isFinite(Math.fround(value)) || Math.fround(value) === 0) {
    throw usage(`${flag}: found ${quote(text)}, expected a number above 0, such as 1e-4`);
  }
  return value;
}

/**
 * One of a fixed set of words.
 *
 * @throws UserError (usage) with the nearest word, or all of them.
 */
export function oneOf<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const near = nearest(text, words);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw usage(`${flag}: found ${quote(text)}, expected one of ${words.join(", ")}${hint}`);
}

/**
 * Class labels such as `7`, `0,1,2`, `0-9` or `0-4,7`.
 *
 * @param classes labels run from 0 to classes - 1.
 * @throws UserError (usage) if the text has another form or names a label that the model does not have.
 */
export function labelList(flag: string, text: string, classes: number): number[] {
  const labels: number[] = [];
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (match === null) {
      throw usage(`${flag}: found ${quote(part)} in ${quote(text)}, expected labels such as 7, 0,1,2 or 0-9`);
    }
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first >= classes || last >= classes) {
      const wrong = Math.max(first, last);
      throw usage(`${flag}: label ${wrong} is out of range, this model has the labels 0..${classes - 1}`);
    }
    if (last < first) {
      throw usage(`${flag}: found ${quote(part)}, expected the smaller label first: ${last}-${first}`);
    }
    for (let label = first; label <= last; label++) labels.push(label);
  }
  return labels;
}

/**
 * The path of a file to write, whose name has to say what is in it.
 *
 * @param ending such as `.png`.
 * @throws UserError (usage) if the name ends in anything else.
 */
export function fileToWrite(flag: string, text: string, ending: string): string {
  if (text.toLowerCase().endsWith(ending)) return text;
  const { dir, name } = parse(text);
  const better = `${join(dir, name || "images")}${ending}`;
  throw usage(`${flag}: found ${quote(text)}, but a ${ending} file is written; call it ${better}`);
}

function quote(text: string): string {
  return text === "" ? "nothing" : `"${text}"`;
}
