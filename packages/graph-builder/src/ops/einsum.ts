/** Sums of products in Einstein's notation. */
import { type Dim, formatShape, type Shape } from "../dim.js";
import { apply, type Call, defineOp, type OpEntry, sameDType } from "../op.js";
import { constant, type Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { sumTo } from "./elementwise.js";
import { expand } from "./expand.js";
import { reshape } from "./reshape.js";

type Asked = Pick<Call, "inputs" | "attributes" | "fail">;

/** A letter for each axis of each operand and of the result; an ellipsis has become letters of its own. */
interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
}

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const ELLIPSIS = "...";

const unused = (taken: string): string[] => LETTERS.filter((letter) => !taken.includes(letter));
const unique = (letters: string): string[] => [...new Set(letters)];

function parse({ inputs, attributes, fail }: Asked): Equation {
  const text = String(attributes.equation).replaceAll(" ", "");
  const [left, right, more] = text.split("->") as [string, ...string[]];
  const terms = left.split(",");
  const wrong = [...terms, right ?? ""].find((term) => !/^[a-zA-Z]*(\.\.\.[a-zA-Z]*)?$/.test(term));
  if (more !== undefined || wrong !== undefined)
    fail(`the equation "${text}" is none; expected letters, "..." and commas, then "->" and the result's`);
  if (terms.length !== inputs.length)
    fail(`the equation "${text}" has ${terms.length} operands, but ${inputs.length} are given`);
  const hidden = terms.map((term, i) => {
    const { shape } = inputs[i]!;
    const rank = shape.length - term.replace(ELLIPSIS, "").length;
    return rank === 0 || (rank > 0 && term.includes(ELLIPSIS))
      ? rank
      : fail(`operand ${i} is ${formatShape(shape)}, the equation's "${term}" has other axes`);
  });
  const most = Math.max(...hidden);
  const other = terms.findIndex((term, i) => term.includes(ELLIPSIS) && hidden[i] !== most);
  if (other >= 0)
    fail(`the ellipsis is ${hidden[other]} axes in operand ${other}, ${most} in another; reshape() it`);
  const fresh = unused(text).slice(0, most);
  if (fresh.length < most) fail(`the equation "${text}" needs more axes than there are letters`);
  const open = (term: string) => term.replace(ELLIPSIS, fresh.join(""));
  const explicit = terms.map(open);
  if (right !== undefined) return { terms: explicit, output: open(right) };
  const once = unique(left.replace(/[^a-zA-Z]/g, "")).filter((c) => left.split(c).length === 2);
  return { terms: explicit, output: [...fresh, ...once.sort()].join("") };
}

/** The size that each letter stands for; axes of size 1 are spread over the others. */
function sizesOf(terms: readonly string[], shapes: readonly Shape[], fail: Call["fail"]): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  terms.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      const [known, dim] = [sizes.get(letter) ?? 1, shapes[i]![axis]!];
      if (known !== 1 && dim !== 1 && known !== dim)
        fail(`axis ${axis} of operand ${i}, ${formatShape(shapes[i]!)}, is ${dim}, elsewhere ${known}`);
      sizes.set(letter, known === 1 ? dim : known);
    });
  });
  return sizes;
}

const sized = (letters: Iterable<string>, sizes: ReadonlyMap<string, Dim>): Dim[] =>
  [...letters].map((letter) => sizes.get(letter)!);

const einsumOp: OpEntry = defineOp("Einsum", {
  since: 12,
  attributes: { equation: "string" },
  infer(call) {
    const xs = call.inputs.map((_, i) => call.input(i));
    const { terms, output } = parse(call);
    const sizes = sizesOf(
      terms,
      xs.map((x) => x.shape),
      call.fail,
    );
    const stray = unique(output).length < output.length || [...output].some((letter) => !sizes.has(letter));
    if (stray) call.fail(`the result's axes "${output}" are not each one of the operands', named once`);
    return [{ dtype: sameDType(call, ...xs), shape: sized(output, sizes) }];
  },
  // A multiply-add for each operand at each place of all axes.
  flops({ inputs, attributes }, count) {
    const fail = () => 0 as never;
    const { terms } = parse({ inputs, attributes, fail });
    const shapes = inputs.map((x) => x!.shape);
    return inputs.length * count([...sizesOf(terms, shapes, fail).values()]);
  },
  vjp: (back) => back.inputs.map((_, i) => gradientOf(i, back, back.grad)),
});

/** The gradient by one operand: the result's gradient and the other operands, summed to the operand's letters. */
function gradientOf(position: number, asked: Asked, grad: Tensor): Tensor {
  const xs = asked.inputs as readonly Tensor[];
  const { terms, output } = parse(asked);
  const sizes = sizesOf(
    terms,
    xs.map((t) => t.shape),
    asked.fail,
  );
  const [x, own] = [xs[position]!, terms[position]!];
  const others = xs.flatMap((t, i) => (i === position ? [] : [{ term: terms[i]!, x: t }]));
  const factors = [{ term: output, x: grad }, ...others];
  const present = unique(own).filter((letter) => factors.some(({ term }) => term.includes(letter)));
  const found = product(factors, present.join(""));
  // Letters that only this operand has were summed over: each of their elements takes the same gradient.
  const letters = unique(own);
  const kept = letters.map((letter) => found.shape[present.indexOf(letter)] ?? 1);
  const full = expand(reshape(found, kept), sized(letters, sizes), xs);
  return sumTo(onDiagonal(full, letters, own, sizes, asked.fail), x.shape);
}

/** Scalars are multiplied in by themselves: not every runtime takes them for operands. */
function product(factors: readonly { readonly term: string; readonly x: Tensor }[], output: string): Tensor {
  const tensors = factors.filter(({ term }) => term !== "");
  const scalars = factors.filter(({ term }) => term === "").map(({ x }) => x);
  if (tensors.length === 0) return scalars.reduce((a, b) => mul(a, b));
  const equation = `${tensors.map(({ term }) => term).join(",")}->${output}`;
  const sum = einsum(equation, ...tensors.map(({ x }) => x));
  return scalars.reduce((a, b) => mul(a, b), sum);
}

/** A letter that an operand has twice takes its diagonal: the gradient lies there, zeros lie elsewhere. */
function onDiagonal(
  full: Tensor,
  letters: readonly string[],
  own: string,
  sizes: ReadonlyMap<string, Dim>,
  fail: Call["fail"],
): Tensor {
  if (letters.length === own.length) return full;
  const free = unused(own);
  const identities: { term: string; x: Tensor }[] = [];
  const target = [...own].map((letter, axis) => {
    if (own.indexOf(letter) === axis) return letter;
    const [size, twin] = [sizes.get(letter)!, free.shift()!];
    if (typeof size !== "number") return fail(`no gradient by a diagonal of the named size ${size}`);
    const values = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    identities.push({ term: letter + twin, x: constant(full.dtype, [size, size], values) });
    return twin;
  });
  return product([{ term: letters.join(""), x: full }, ...identities], target.join(""));
}

/**
 * The products of the operands' elements, summed over the letters that the result has not: `"bij,bjk->bik"` is a batch of
 * matrix products. `...` stands for as many axes in each operand that has it, which broadcast. https://onnx.ai/onnx/operators/onnx__Einsum.html
 * @throws GraphError for an equation that does not fit the operands.
 */
export const einsum = (equation: string, ...xs: readonly Tensor[]): Tensor =>
  apply(einsumOp, xs, { equation });

export default [einsumOp];
