/** Random computations on tensors [2, 3]: each step applies one operator to what earlier steps gave. */
import fc from "fast-check";
import type { DType } from "../../src/dtype.js";
import {
  abs,
  add,
  cast,
  concat,
  constant,
  customVjp,
  div,
  exp,
  expand,
  gather,
  gemm,
  greater,
  input,
  loop,
  matmul,
  max,
  mul,
  pad,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  round,
  scalar,
  sigmoid,
  sin,
  slice,
  split,
  stopGradient,
  sub,
  type Tensor,
  tanh,
  transpose,
  where,
} from "../../src/index.js";

type Step = (a: Tensor, b: Tensor) => Tensor;

const fixed = (t: Tensor, values: number[], shape = [values.length]) => constant(t.dtype, shape, values);

/** Steps through which gradients pass; results stay near 1, so that no order of sums or exponent matters much. */
const SMOOTH: Readonly<Record<string, Step>> = {
  add: (a, b) => mul(add(a, b), 0.5),
  sub: (a, b) => mul(sub(a, b), 0.5),
  mul: (a, b) => tanh(mul(a, b)),
  div: (a, b) => div(a, add(mul(b, b), 1)),
  exp: (a) => exp(mul(tanh(a), 0.5)),
  sin: (a) => sin(a),
  sigmoid: (a) => sigmoid(a),
  relu: (a) => relu(a),
  abs: (a) => abs(a),
  max: (a, b) => max(a, b),
  choose: (a, b) => where(greater(a, b), a, mul(b, 0.5)),
  halves: (a, b) => {
    const [first, rest] = split(a, [1, 2], 1);
    return concat([rest!, mul(first!, slice(b, { starts: [0], ends: [1], axes: [1] }))], 1);
  },
  rows: (a, b) => add(gather(a, constant("int32", [2], [1, 1])), mul(b, 0.25)),
  turn: (a, b) => transpose(add(transpose(a, [1, 0]), transpose(b, [1, 0])), [1, 0]),
  flat: (a) => reshape(mul(reshape(a, [6]), fixed(a, [1, -1, 0.5, 2, -0.5, 1])), [2, 3]),
  centre: (a) => sub(a, reduceMean(a, { axes: [1], keepdims: true })),
  spread: (a, b) => add(expand(reduceSum(a, { axes: [0], keepdims: true }), [2, 3]), b),
  product: (a, b) => tanh(matmul(a, matmul(transpose(a, [1, 0]), b))),
  // Two products that differ in an attribute alone, and two gathers.
  weighted: (a) => {
    const weight = fixed(a, [0.5, -1, 0, 0.25, 0.5, 1, 0, 0, -0.5], [3, 3]);
    return sub(gemm(a, weight, { transB: 1, alpha: 0.5 }), gemm(a, weight, { alpha: 0.5 }));
  },
  picked: (a) => {
    const index = constant("int32", [1], [1]);
    return mul(gather(a, index, 0), gather(a, index, 1));
  },
  shift: (a) => slice(pad(a, { axis: 1, before: 1, after: 0 }), { starts: [0], ends: [3], axes: [1] }),
  custom: (a, b) => customVjp([mul(a, b)], [a, b], (g) => [mul(g!, b), mul(g!, a)])[0]!,
};

/** Steps without a gradient: whole numbers, other names, loops whose bodies use tensors from outside. */
const OTHER: Readonly<Record<string, Step>> = {
  stop: (a, b) => add(stopGradient(a), mul(b, 0.5)),
  round: (a, b) => add(round(a), b),
  whole: (a) => cast(cast(mul(a, 10), "int32"), a.dtype),
  loop: (a, b) =>
    loop({ trips: scalar(2, "int64"), carried: [a] }, (_, [carried]) => {
      const twice = [tanh(carried!), tanh(carried!)];
      return { carried: [mul(add(add(twice[0]!, twice[1]!), sin(b)), 0.5)] };
    }).carried[0]!,
};

interface ProgramStep {
  readonly step: string;
  /** Which of the tensors so far are the operands, counted from the last one. */
  readonly operands: readonly [number, number];
}

export type Program = readonly ProgramStep[];

const programsOf = (names: readonly string[]): fc.Arbitrary<Program> =>
  fc.array(
    fc.record({
      step: fc.constantFrom(...names),
      operands: fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })),
    }),
    { minLength: 1, maxLength: 12 },
  );

export const smoothPrograms = programsOf(Object.keys(SMOOTH));
export const programs = programsOf([...Object.keys(SMOOTH), ...Object.keys(OTHER)]);

/** Runs the program on two tensors; gives all that it computed, the last result first. Each call makes new handles. */
export function runProgram(program: Program, a: Tensor, b: Tensor): Tensor[] {
  const tensors = [b, a];
  for (const { step, operands } of program) {
    const [first, second] = operands.map((back) => tensors[back % tensors.length]!);
    tensors.unshift((SMOOTH[step] ?? OTHER[step]!)(first!, second!));
  }
  return tensors.slice(0, -2);
}

export const operandsOf = (dtype: DType) => [input("a", dtype, [2, 3]), input("b", dtype, [2, 3])] as const;

/** Numbers of size 1 that lie apart: no two steps of theirs meet where a piecewise step bends. */
export const six = fc
  .uniqueArray(fc.integer({ min: -1500, max: 1500 }), { minLength: 6, maxLength: 6 })
  .map((values) => values.map((v) => v / 1000 + 0.000123));
