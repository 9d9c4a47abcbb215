/**
 * Reads JSON of unknown make: each function takes a value with the path that led to it and gives the value back typed,
 * or says where it is, what was found and what was expected.
 */

import { UserError } from "./errors.js";
import { show } from "./show.js";

/** A value and where it stands. */
export interface At {
  readonly value: unknown;
  /** Of the document, such as a file's path. */
  readonly where: string;
  /** Inside the document: `state[3].shape[0]`; empty at the top. */
  readonly path: string;
}

/** @throws UserError always: `where: path: found X, expected Y`. */
export function fail(at: At, expected: string, found: string = show(at.value)): never {
  const place = at.path === "" ? at.where : `${at.where}: ${at.path}`;
  throw new UserError(`${place}: found ${found}, expected ${expected}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of an object's own field; nothing where there is none. */
export function field(at: At, name: string): At {
  if (!isObject(at.value)) fail(at, "an object");
  const value = Object.hasOwn(at.value, name) ? at.value[name] : undefined;
  return { value, where: at.where, path: at.path === "" ? name : `${at.path}.${name}` };
}

/** The elements of an array. */
export function items(at: At): At[] {
  if (!Array.isArray(at.value)) fail(at, "an array");
  return at.value.map((value, i) => ({ value, where: at.where, path: `${at.path}[${i}]` }));
}

/** The own fields of an object that serves as a dictionary. */
export function entries(at: At): [string, At][] {
  if (!isObject(at.value)) fail(at, "an object");
  return Object.entries(at.value).map(([name, value]) => [
    name,
    { value, where: at.where, path: `${at.path}[${JSON.stringify(name)}]` },
  ]);
}

/** A text of at least one character. */
export function text(at: At): string {
  return typeof at.value === "string" && at.value !== "" ? at.value : fail(at, "a text");
}

/** A number that is neither infinite nor NaN. */
export function finite(at: At, expected = "a finite number"): number {
  return typeof at.value === "number" && Number.isFinite(at.value) ? at.value : fail(at, expected);
}

/** True or false. */
export function flag(at: At): boolean {
  return typeof at.value === "boolean" ? at.value : fail(at, "true or false");
}

/** An integer of at least `least`. */
export function integer(at: At, least: 0 | 1): number {
  const { value } = at;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  return fail(at, least === 1 ? "a positive integer" : "an integer of 0 or more");
}

/** One of a few texts. */
export function oneOf<const Choice extends string>(at: At, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === at.value);
  return found ?? fail(at, choices.map((choice) => JSON.stringify(choice)).join(" or "));
}

/** Deeper values are of no use to anyone, and reading them would run out of stack. */
const DEEPEST = 32;

/** Any value that JSON can hold, copied: null, booleans, finite numbers, texts, arrays and objects of such. */
export function json(at: At, depth = 0): unknown {
  const { value } = at;
  if (depth > DEEPEST) fail(at, `a value nested at most ${DEEPEST} deep`);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return finite(at);
  if (Array.isArray(value)) return items(at).map((item) => json(item, depth + 1));
  if (typeof value === "object") return record(at, (item) => json(item, depth + 1));
  return fail(at, "a JSON value");
}

/** A dictionary, each value read by `read`. Built so that a key such as `__proto__` is a key like any other. */
export function record<Value>(at: At, read: (at: At) => Value): Record<string, Value> {
  return Object.fromEntries(entries(at).map(([name, value]) => [name, read(value)]));
}

/**
 * The value of a text of JSON.
 *
 * @param expected what the text was to be, such as `a manifest`.
 */
export function parseJson(source: string, where: string, expected: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\s+/g, " ") : String(cause);
    throw new UserError(`${where}: found text that is not JSON (${reason}), expected ${expected}`, { cause });
  }
}
