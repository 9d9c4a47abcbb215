/**
 * Dimensions: a size, or a polynomial with integer coefficients in named sizes, kept as canonical text
 * (`batch`, `256*batch`, `batch*seq+1`). What cannot be divided exactly becomes an opaque name, `floor(h/2)`.
 * ONNX calls the text `dim_param`.
 */
import type { Dim } from "@onnx-diffusion/diffusion";
import { GraphError } from "./errors.js";

export type { Dim };
/** A tensor's sizes, each a number or a name such as `batch`. */
export type Shape = readonly Dim[];

/** Monomial ("batch*seq", "" for the constant) -> coefficient; zero coefficients are absent. */
type Polynomial = ReadonlyMap<string, number>;

/** NumPy's limit; kernels have far lower ones. */
export const MOST_AXES = 64;
/** Sizes that networks compute have some tens of characters; those of hostile files could grow without end. */
const LONGEST = 1000;

const NAME = /^[A-Za-z_][A-Za-z0-9_.]*/;

/** The end of the parenthesised part that starts at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i + 1;
  }
  return text.length;
}

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map(dim === 0 ? [] : [["", dim]]);
  const terms = new Map<string, number>();
  let coefficient = 1;
  let atoms: string[] = [];
  const flush = () => {
    const key = atoms.sort().join("*");
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
    atoms = [];
  };
  let rest = dim;
  if (rest.startsWith("-")) {
    coefficient = -1;
    rest = rest.slice(1);
  }
  while (rest.length > 0) {
    const number = /^\d+/.exec(rest)?.[0];
    const name = NAME.exec(rest)?.[0];
    if (number !== undefined) {
      coefficient *= Number(number);
      rest = rest.slice(number.length);
    } else {
      // A name may call (`floor(h/2)`); text that is no polynomial (a foreign dim_param) is one opaque name.
      let end = name?.length ?? rest.length;
      if (rest[end] === "(") end = closing(rest, end);
      atoms.push(rest.slice(0, end));
      rest = rest.slice(end);
    }
    if (rest.startsWith("*")) rest = rest.slice(1);
    else if (rest.startsWith("+") || rest.startsWith("-")) {
      flush();
      coefficient = rest.startsWith("-") ? -1 : 1;
      rest = rest.slice(1);
    } else if (rest.length > 0) {
      return new Map([[dim, 1]]);
    }
  }
  flush();
  return terms;
}

/** The names in a monomial; a `*` within parentheses belongs to the name. */
function atomsOf(key: string): string[] {
  if (key === "") return [];
  const atoms = [""];
  let depth = 0;
  for (const char of key) {
    if (char === "(") depth++;
    else if (char === ")") depth--;
    if (char === "*" && depth === 0) atoms.push("");
    else atoms[atoms.length - 1] += char;
  }
  return atoms;
}

function print(p: Polynomial): Dim {
  const terms = [...p]
    .filter(([, c]) => c !== 0)
    .sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  if (terms.length === 0) return 0;
  if (terms.length === 1 && terms[0]![0] === "") return terms[0]![1];
  const text = terms.map(([key, c]) => {
    const size = Math.abs(c);
    const body = key === "" ? `${size}` : size === 1 ? key : `${size}*${key}`;
    return `${c < 0 ? "-" : "+"}${body}`;
  });
  const result = text.join("").replace(/^\+/, "");
  if (result.length <= LONGEST) return result;
  throw new GraphError(
    `a computed size is longer than ${LONGEST} characters (${result.slice(0, 40)}…); give sizes in numbers`,
  );
}

function combine(a: Polynomial, b: Polynomial, sign: 1 | -1): Polynomial {
  const sum = new Map(a);
  for (const [key, c] of b) sum.set(key, (sum.get(key) ?? 0) + sign * c);
  return sum;
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  return print(combine(parse(a), parse(b), 1));
}

export function subDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return print(combine(parse(a), parse(b), -1));
}

export function mulDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const product = new Map<string, number>();
  for (const [ka, ca] of parse(a)) {
    for (const [kb, cb] of parse(b)) {
      const key = [...atomsOf(ka), ...atomsOf(kb)].sort().join("*");
      product.set(key, (product.get(key) ?? 0) + ca * cb);
    }
  }
  return print(product);
}

/** The exact quotient a / b, or undefined where there is none (b must be a single term). */
export function exactDiv(a: Dim, b: Dim): Dim | undefined {
  if (a === b && a !== 0) return 1;
  const divisor = [...parse(b)];
  if (divisor.length !== 1) return undefined;
  const [divisorKey, divisorCoefficient] = divisor[0]!;
  const quotient = new Map<string, number>();
  for (const [key, c] of parse(a)) {
    if (c % divisorCoefficient !== 0) return undefined;
    const atoms = atomsOf(key);
    for (const atom of atomsOf(divisorKey)) {
      const at = atoms.indexOf(atom);
      if (at < 0) return undefined;
      atoms.splice(at, 1);
    }
    quotient.set(atoms.join("*"), c / divisorCoefficient);
  }
  return print(quotient);
}

/** floor(a / b); `floor(a/b)` as a name where the size is not known. */
export function floorDiv(a: Dim, b: number): Dim {
  if (typeof a === "number") return Math.floor(a / b);
  return exactDiv(a, b) ?? `floor((${a})/${b})`;
}

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): Dim {
  return shape.reduce<Dim>(mulDims, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

/** The terms that add up to a dimension, each a number times names. */
export const termsOf = (dim: Dim): readonly { coefficient: number; atoms: readonly string[] }[] =>
  [...parse(dim)].map(([key, coefficient]) => ({ coefficient, atoms: atomsOf(key) }));

/** The names in a dimension: ["batch"] for `256*batch`. */
export function symbolsOf(dim: Dim): string[] {
  if (typeof dim === "number") return [];
  return [...new Set(termsOf(dim).flatMap(({ atoms }) => atoms))];
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Evaluates a dimension with values for its names; undefined where one is missing. */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number | undefined {
  let total = 0;
  for (const [key, c] of parse(dim)) {
    let term = c;
    for (const atom of atomsOf(key)) {
      const value = values.get(atom) ?? evaluateFloor(atom, values);
      if (value === undefined) return undefined;
      term *= value;
    }
    total += term;
  }
  return total;
}

/** The value of a quotient that `floorDiv` could only name. */
function evaluateFloor(atom: string, values: ReadonlyMap<string, number>): number | undefined {
  const quotient = quotientOf(atom);
  const value = quotient && evaluateDim(quotient.dividend, values);
  return value === undefined ? undefined : Math.floor(value / quotient!.divisor);
}

/** What a name that `floorDiv` made is the quotient of. */
export function quotientOf(atom: string): { dividend: Dim; divisor: number } | undefined {
  const [, dividend, divisor] = /^floor\(\((.*)\)\/(\d+)\)$/.exec(atom) ?? [];
  return dividend === undefined ? undefined : { dividend, divisor: Number(divisor) };
}

/** The names that need a value before `evaluateDim` can give one: those in the quotients of `floorDiv` too. */
export function unknownsOf(dim: Dim, values: ReadonlyMap<string, number>): string[] {
  const names = symbolsOf(dim).flatMap((atom) => {
    const quotient = quotientOf(atom);
    return values.has(atom) ? [] : quotient ? unknownsOf(quotient.dividend, values) : [atom];
  });
  return [...new Set(names)];
}
