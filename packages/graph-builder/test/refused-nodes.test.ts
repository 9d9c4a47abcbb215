/** Nodes that files can hold and the builder cannot compute, or not differentiate, are refused by name. */
import { describe, expect, test } from "vitest";
import type { Shape } from "../src/dim.js";
import { type DType, isFloat, toTypedArray } from "../src/dtype.js";
import { gradients, importModel, type Model, reduceSum } from "../src/index.js";
import type { ModelAttribute, ModelGraph, ModelInitializer } from "../src/model.js";

type Operand = readonly [DType, Shape] | readonly number[] | "";
type Attributes = Readonly<Record<string, ModelAttribute>>;

const f = (...shape: Shape): Operand => ["float32", shape];
const i = (...shape: Shape): Operand => ["int64", shape];
const int = (value: number): ModelAttribute => ({ type: "int", value });
const ints = (...value: number[]): ModelAttribute => ({ type: "ints", value });
const text = (value: string): ModelAttribute => ({ type: "string", value });
const isConstant = (operand: Operand): operand is readonly number[] =>
  operand !== "" && typeof operand[0] !== "string";

function vector(name: string, values: readonly number[]): ModelInitializer {
  const dtype = values.every(Number.isInteger) ? "int64" : "float32";
  return { name, dtype, shape: [values.length], data: toTypedArray(dtype, values) };
}

/** A model of one node "here"; numbers are vectors of the file: int64, or float32 if not whole. */
function model(
  opType: string,
  operands: readonly Operand[],
  attributes: Attributes = {},
  outputs = ["y"],
): Model {
  const named = operands.map((operand, at) => [operand === "" ? "" : `x${at}`, operand] as const);
  return {
    graph: {
      name: "m",
      nodes: [{ name: "here", opType, inputs: named.map(([name]) => name), outputs, attributes }],
      inputs: named.flatMap(([name, operand]) => {
        if (operand === "" || isConstant(operand)) return [];
        return [{ name, ...typeOf(operand) }];
      }),
      outputs: [{ name: outputs[0]!, dtype: "float32", shape: ["any"] }],
      initializers: named.flatMap(([name, operand]) => (isConstant(operand) ? [vector(name, operand)] : [])),
    },
    opset: 21,
    metadata: {},
  };
}

function mistake(making: () => unknown): string {
  try {
    making();
  } catch (error) {
    return `${error}`;
  }
  return "none";
}

const b = (): Operand => ["bool", []];

/** A graph that hands its inputs to its outputs, or outside values. */
function bodyOf(results: readonly Operand[]): ModelAttribute {
  const outputs = results.map((operand, at) => ({ ...typeOf(operand), name: `r${at}` }));
  const initializers = outputs.map(({ name, dtype, shape }) => {
    const dims = shape as readonly number[];
    const data = toTypedArray(dtype, Array(dims.reduce((p, q) => p * q, 1)).fill(0));
    return { name, dtype, shape: dims, data };
  });
  return { type: "graph", value: { name: "body", nodes: [], inputs: [], outputs, initializers } };
}

function loopBody(carried: readonly Operand[], results: readonly Operand[]): ModelAttribute {
  const { type, value } = bodyOf([b(), ...results]);
  const inputs = [i(), b(), ...carried].map((operand, at) => ({ ...typeOf(operand), name: `in${at}` }));
  return { type, value: { ...(value as ModelGraph), inputs } };
}

const twoBranches = (a: readonly Operand[], other: readonly Operand[]): Attributes => ({
  then_branch: bodyOf(a),
  else_branch: bodyOf(other),
});

function typeOf(operand: Operand) {
  const [dtype, shape] = operand as readonly [DType, Shape];
  return { dtype, shape };
}

const EXPANDED = "the shape input is computed when the graph runs, so the result's shape is unknown here";
const GIVEN_SIZES = "the sizes or scales are computed when the graph runs; give them as a constant";
const PLACES =
  "how many elements are not 0 is known only when the graph runs; give a constant, or use where()";
const scalarBody = { name: "body", nodes: [], inputs: [], outputs: [], initializers: [] };

describe.each<[string, Model, string]>([
  [
    "a type to cast to",
    model("Cast", [f(2)], { to: int(99) }),
    'Cast "here": element type 99 is not supported',
  ],
  [
    "logic of numbers",
    model("And", [f(2), f(2)]),
    'And "here": an input is float32, expected bool; compare first',
  ],
  [
    "functions of whole numbers",
    model("Exp", [i(2)]),
    'Exp "here": the input is int64 [2], expected floating point; convert it with cast()',
  ],
  [
    "a bound of several",
    model("Clip", [f(2), f(2)]),
    'Clip "here": a bound is [2], expected a scalar; use min() and max()',
  ],
  [
    "convolving a matrix",
    model("Conv", [f(2, 3), f(2, 3)]),
    'Conv "here": the input is [2, 3] and the weight [2, 3]; expected [N, C, ...spatial] and a weight of the same rank',
  ],
  [
    "a kernel of unknown size",
    model("Conv", [f(1, 3, 8, 8), f(2, 3, "k", 3)]),
    'Conv "here": the kernel [k, 3] must have known sizes',
  ],
  [
    "one stride too many",
    model("Conv", [f(1, 3, 8, 8), f(2, 3, 3, 3)], { strides: ints(1, 1, 1) }),
    'Conv "here": strides has 3 entries, expected 2',
  ],
  [
    "automatic pads of unknown sizes",
    model("Conv", [f(1, 3, "h", 8), f(2, 3, 3, 3)], {
      auto_pad: text("SAME_UPPER"),
      strides: ints(2, 2),
    }),
    'Conv "here": auto_pad SAME_UPPER needs known sizes, found h; give pads',
  ],
  [
    "groups of unknown sizes",
    model("Conv", [f(1, "c", 8, 8), f("o", 3, 3, 3)], { group: int(2) }),
    'Conv "here": the input has c channels ([1, c, 8, 8]), the weight [o, 3, 3, 3] expects 6; give the layer before 6 channels or this one a weight for c',
  ],
  [
    "indices deeper than the data",
    model("GatherND", [f(2), i(3, 2)]),
    'GatherND "here": indices [3, 2] do not address [2]; the last axis counts the addressed axes',
  ],
  [
    "indices of unknown depth",
    model("ScatterND", [f(2, 2), i(3, "k"), f(3)]),
    'ScatterND "here": indices [3, k] do not address [2, 2]; the last axis counts the addressed axes',
  ],
  ["a loop without a body", model("Loop", [i(), ["bool", []], f(2)]), 'Loop "here": the body is missing'],
  [
    "a loop with too small a body",
    model("Loop", [i(), ["bool", []], f(2)], { body: { type: "graph", value: scalarBody } }),
    'Loop "here": the body takes 0 inputs, expected 3',
  ],
  [
    "a matrix product with a scalar",
    model("MatMul", [f(2, 3), f()]),
    'MatMul "here": an operand is a scalar; use mul()',
  ],
  [
    "a matrix times a vector of another length",
    model("MatMul", [f(2, 3), f(2)]),
    'MatMul "here": [2, 3] times [2]: the last axis of the first (3) must equal the length of the second (2); transpose() one of them',
  ],
  [
    "a product of three axes",
    model("Gemm", [f(2, 3, 4), f(4, 2)]),
    'Gemm "here": the operands are [2, 3, 4] and [4, 2], expected matrices; use matmul()',
  ],
  [
    "a product of sizes that differ",
    model("Gemm", [f(2, 3), f(2, 2)]),
    'Gemm "here": the inner sizes are 3 and 2 ([2, 3] times [2, 2]); they must agree',
  ],
  [
    "a bias that does not fit the product",
    model("Gemm", [f(2, 3), f(3, 2), f(5)]),
    'Gemm "here": the shapes [5] and [2, 2] do not broadcast: axis -1 has 5 and 2; reshape() or expand() one of them',
  ],
  [
    "statistics of another number of channels",
    model("BatchNormalization", [f(2, 3), f(2), f(3), f(3), f(3)]),
    'BatchNormalization "here": input 1 is [2], expected [3], one for each channel of [2, 3]',
  ],
  [
    "training inside the node",
    model("BatchNormalization", [f(2, 3), f(3), f(3), f(3), f(3)], { training_mode: int(1) }),
    'BatchNormalization "here": training_mode is not supported: no accelerator runs it; use batchNorm2d',
  ],
  [
    "pads for some axes",
    model("Pad", [f(2, 3), [1, 1]]),
    'Pad "here": 2 pads for an input of [2, 3]; expected two for each padded axis',
  ],
  [
    "pads that eat the tensor",
    model("Pad", [f(2), [-2, -2]]),
    'Pad "here": the result has an axis of size -2: [-2]',
  ],
  [
    "a constant of two values",
    model("Constant", [], { value_int: int(1), value_float: { type: "float", value: 1 } }),
    'Constant "here": expected one attribute that holds the value',
  ],
  [
    "a constant of no value",
    model("Constant", []),
    'Constant "here": expected one attribute that holds the value',
  ],
  [
    "a filling of two values",
    model("ConstantOfShape", [[2]], { value: { type: "tensor", value: vector("v", [1, 2]) } }),
    'ConstantOfShape "here": the value is [2], expected one element',
  ],
  [
    "two open sizes",
    model("Reshape", [f(2, 3), [-1, -1]]),
    'Reshape "here": shape [-1, -1] has 2 entries of -1; one at most can be derived',
  ],
  [
    "a kept axis that is not there",
    model("Reshape", [f(2), [2, 0]]),
    'Reshape "here": shape[1] is 0 (keep), but the input is [2]',
  ],
  [
    "a slice without its axes",
    model("Slice", [f(2, 3), [0], [1], i(1)]),
    'Slice "here": axes and steps must be constants',
  ],
  [
    "a slice without its ends",
    model("Slice", [f(2, 3), [0], i(1)]),
    'Slice "here": the ends are computed when the graph runs; give constants',
  ],
  [
    "equal parts of an unknown size",
    model("Split", [f("n")], { num_outputs: int(2) }, ["y", "z"]),
    'Split "here": axis 0 of [n] has no known size; give the sizes as a constant',
  ],
  [
    "an axis that is not of size 1",
    model("Squeeze", [f(2, 3), [0]]),
    "squeeze: axis 0 of [2, 3] has size 2, expected 1; leave it out",
  ],
  ["new axes that are not named", model("Unsqueeze", [f(2, 3)]), 'Unsqueeze "here": the axes are missing'],
  [
    "an axis out of range",
    model("Concat", [f(2), f(2)], { axis: int(5) }),
    'Concat "here": axis 5 is out of range for rank 1; expected -1..0',
  ],
  [
    "an axis named twice",
    model("ReduceSum", [f(2, 3), [0, -2]]),
    'ReduceSum "here": axes [0,-2] name an axis of [2, 3] twice',
  ],
  [
    "groups that do not divide",
    model("GroupNormalization", [f(2, 3, 4), f(3), f(3)], { num_groups: int(2) }),
    'GroupNormalization "here": the input is [2, 3, 4], expected channels that divide into 2 groups',
  ],
  [
    "more axes than there can be",
    model("Reshape", [f(1), Array(300).fill(1)]),
    'Reshape "here": the result has 300 axes, expected at most 64',
  ],
  [
    "bits of floating-point numbers",
    model("BitwiseAnd", [f(2), f(2)]),
    'BitwiseAnd "here": the inputs are float32, expected whole numbers',
  ],
  [
    "a branch by a number",
    model("If", [f()], twoBranches([f(2)], [f(2)])),
    'If "here": the condition is float32, expected bool; compare first',
  ],
  [
    "a branch that is missing",
    model("If", [b()], { then_branch: bodyOf([f(2)]) }),
    'If "here": a branch is missing',
  ],
  [
    "branches of another number of results",
    model("If", [b()], twoBranches([f(2)], [f(2), f(2)])),
    'If "here": the branches have 1 and 2 results; give both as many',
  ],
  [
    "branches of other types",
    model("If", [b()], twoBranches([f(2)], [f(3)])),
    'If "here": result 0 is float32 [2] in one branch and float32 [3] in the other; both must have one type',
  ],
  [
    "a loop that changes a shape",
    model("Loop", [i(), b(), f(2)], { body: loopBody([f(2)], [f(3)]) }),
    'Loop "here": carried value 0 is float32 [2] before the body and float32 [3] after it; it must keep its type',
  ],
  [
    "a loop that gives too little",
    model("Loop", [i(), b(), f(2)], { body: loopBody([f(2)], []) }),
    'Loop "here": carried value 0 is float32 [2] before the body and nothing after it; it must keep its type',
  ],
  [
    "indices of another rank",
    model("GatherElements", [f(2, 3), i(2)]),
    'GatherElements "here": the indices are int64 [2], expected int32 or int64 of the rank of [2, 3]; reshape() or cast() them',
  ],
  [
    "a pool over an unknown size",
    model("MaxPool", [f(1, 1, "h")], { kernel_shape: ints(2) }),
    'MaxPool "here": the input is [1, 1, h], expected [N, C, ...] with known sizes after C',
  ],
  [
    "a pool over a matrix",
    model("GlobalMaxPool", [f(2, 3)]),
    'GlobalMaxPool "here": the input is [2, 3], expected [N, C, ...]',
  ],
  [
    "a window larger than the image",
    model("MaxPool", [f(1, 1, 4)], { kernel_shape: ints(5) }),
    'MaxPool "here": a window of 5 does not fit axis 2 of size 4 with its padding',
  ],
  [
    "a stride too many",
    model("AveragePool", [f(1, 1, 4)], { kernel_shape: ints(2), strides: ints(1, 1) }),
    'AveragePool "here": strides has 2 numbers, expected 1 for an image of 1 axes',
  ],
  [
    "a range without end",
    model("Range", [[0], [10], [0]]),
    'Range "here": Infinity numbers, expected at most 16777216',
  ],
  [
    "an identity of unknown size",
    model("EyeLike", [f("n", 3)]),
    'EyeLike "here": the input is [n, 3], expected a matrix of known, moderate size',
  ],
  [
    "an identity of an unknown type",
    model("EyeLike", [f(3, 3)], { dtype: int(99) }),
    'EyeLike "here": element type 99 is not supported',
  ],
  [
    "classes without number",
    model("OneHot", [i(3), [-1], f(2)]),
    'OneHot "here": the depth is -1, expected 0 to 16777216',
  ],
  [
    "classes along an axis that is not there",
    model("OneHot", [i(3), [5], f(2)], { axis: int(4) }),
    'OneHot "here": axis 4 is out of range for the rank 2 of the result',
  ],
  [
    "repeats for another rank",
    model("Tile", [f(2, 3), [2]]),
    'Tile "here": 1 repeats, expected 2 for [2, 3]',
  ],
  [
    "the triangle of a vector",
    model("Trilu", [f(3)]),
    'Trilu "here": the input is [3], expected a matrix or a batch of matrices',
  ],
  [
    "blocks that do not fit",
    model("SpaceToDepth", [f(1, 1, 3, 4)], { blocksize: int(2) }),
    'SpaceToDepth "here": [1, 1, 3, 4] has no blocks of 2',
  ],
  [
    "resizing without sizes",
    model("Resize", [f(1, 1, 4, 4)]),
    'Resize "here": expected 4 constant sizes or scales for [1, 1, 4, 4], found none',
  ],
  [
    "an unknown size half as large",
    model("Resize", [f(1, 1, "h", 4), "", [1, 1, 0.5, 0.5]]),
    'Resize "here": axis 2 of [1, 1, h, 4] has no known size, so 0.5 times it has none',
  ],
  [
    "an equation that is none",
    model("Einsum", [f(2)], { equation: text("i-j") }),
    'Einsum "here": the equation "i-j" is none; expected letters, "..." and commas, then "->" and the result\'s',
  ],
  [
    "an equation of more operands",
    model("Einsum", [f(2)], { equation: text("i,j->ij") }),
    'Einsum "here": the equation "i,j->ij" has 2 operands, but 1 are given',
  ],
  [
    "an equation of other axes",
    model("Einsum", [f(2)], { equation: text("ij->i") }),
    'Einsum "here": operand 0 is [2], the equation\'s "ij" has other axes',
  ],
  [
    "an ellipsis of two lengths",
    model("Einsum", [f(2, 3), f(2)], { equation: text("...,...->...") }),
    'Einsum "here": the ellipsis is 1 axes in operand 1, 2 in another; reshape() it',
  ],
  [
    "an equation whose sizes differ",
    model("Einsum", [f(2), f(3)], { equation: text("i,i->") }),
    'Einsum "here": axis 0 of operand 1, [3], is 3, elsewhere 2',
  ],
  [
    "a result axis from nowhere",
    model("Einsum", [f(2)], { equation: text("i->j") }),
    'Einsum "here": the result\'s axes "j" are not each one of the operands\', named once',
  ],
  ...(
    [
      ["ConstantOfShape", [i(2)], "the shape is computed when the graph runs; give it as a constant"],
      ["Expand", [f(2), i(2)], EXPANDED],
      ["Reshape", [f(2), i(2)], EXPANDED],
      ["OneHot", [i(3), i(1), f(2)], "the depth is computed when the graph runs; give it as a constant"],
      [
        "Upsample",
        [f(1, 1, 2, 2), f(4)],
        "the scales are computed when the graph runs; give them as a constant",
      ],
      ["Resize", [f(1, 1, 2, 2), "", f(4)], GIVEN_SIZES],
      ["Resize", [f(1, 1, 2, 2), "", "", i(4)], GIVEN_SIZES],
      ["NonZero", [f(2)], PLACES],
      ["Compress", [f(2), ["bool", [2]]], PLACES],
      ["Range", [i(), i(), i()], "the bounds are computed when the graph runs; give them as constants"],
      ["Range", [i(), [9], [1]], "the bounds are computed when the graph runs; give them as constants"],
      ["Range", [[0], i(), [1]], "the bounds are computed when the graph runs; give them as constants"],
      ["Range", [[0], [9], i()], "the bounds are computed when the graph runs; give them as constants"],
      ["Slice", [f(2), i(1), [1]], "the starts are computed when the graph runs; give constants"],
      ["Slice", [f(2), [0], [1], [0], i(1)], "axes and steps must be constants"],
      ["Tile", [f(2), i(1)], "the repeats are computed when the graph runs; give them as a constant"],
      ["ReduceSum", [f(2), i(1)], "the axes are computed when the graph runs; give them as a constant"],
      ["Squeeze", [f(1), i(1)], "the axes are computed when the graph runs; give them as a constant"],
      ["Unsqueeze", [f(1), i(1)], "the axes are computed when the graph runs; give them as a constant"],
      ["Pad", [f(2), i(2)], "the pads are computed when the graph runs; give constants"],
      ["TopK", [f(3), i(1)], "k is computed when the graph runs, expected a constant within axis 0 of [3]"],
    ] satisfies [string, Operand[], string][]
  ).map(([opType, operands, message]): [string, Model, string] => [
    `${opType} by what is computed (${operands.length} operands)`,
    model(opType, operands),
    `${opType} "here": ${message}`,
  ]),
  [
    "parts whose sizes are computed",
    model("Split", [f(3), i(2)], {}, ["y", "z"]),
    'Split "here": the sizes are computed when the graph runs; give the sizes as a constant',
  ],
  [
    "more of the largest than there are",
    model("TopK", [f(3), [4]]),
    'TopK "here": k is 4, expected a constant within axis 0 of [3]',
  ],
  [
    "fewer of the largest than none",
    model("TopK", [f("n"), [-1]]),
    'TopK "here": k is -1, expected a constant within axis 0 of [n]',
  ],
  [
    "an old enlargement by another rule",
    model("Upsample", [f(1, 1, 2, 2), [1, 1, 2, 2]], { mode: text("cubic") }),
    'Upsample "here": the mode is "cubic", expected nearest or linear',
  ],
  [
    "places in a constant of unknown sizes",
    model("Resize", [f(1, 1, 2, 2), "", ["float64", [4]]]),
    'Resize "here": the scales are float64, expected float32; convert them with cast()',
  ],
  [
    "an aspect ratio of unknown sizes",
    model("Resize", [f(1, 1, "h", 2), "", "", [1, 1, 4, 4]], {
      keep_aspect_ratio_policy: text("not_larger"),
    }),
    'Resize "here": an axis of [1, 1, h, 2] has no known size; give scales',
  ],
  [
    "dropout in training",
    model("Dropout", [f(2), f(), b()]),
    'Dropout "here": training_mode is not supported, as its mask is drawn when the graph runs; export the model in inference mode',
  ],
  [
    "a filling of one value in two axes that are not of size 1",
    model("ConstantOfShape", [[2]], {
      value: { type: "tensor", value: { ...vector("v", [1, 2]), shape: [1, 2] } },
    }),
    'ConstantOfShape "here": the value is [1, 2], expected one element',
  ],
  [
    "whole numbers that would not be numbers",
    model("IsNaN", [i(2)]),
    'IsNaN "here": the input is int64 [2], expected floating point; convert it with cast()',
  ],
  [
    "bits of what is true or false",
    model("BitwiseOr", [
      ["bool", [2]],
      ["bool", [2]],
    ]),
    'BitwiseOr "here": the inputs are bool, expected whole numbers',
  ],
  [
    "a loss that is put together otherwise",
    model("NegativeLogLikelihoodLoss", [f(2, 3), i(2)], { reduction: text("max") }),
    'NegativeLogLikelihoodLoss "here": the reduction is "max", expected "mean", "sum" or "none"',
  ],
  [
    "a loss whose target does not fit",
    model("SoftmaxCrossEntropyLoss", [f(2, 3), i(3)]),
    "nllLoss: the classes are [2, 3] and the target [3], expected [N, C, ...] and [N, ...]",
  ],
  [
    "a response between channels of a vector",
    model("LRN", [f(2)], { size: int(3) }),
    'LRN "here": the input is [2], the size 3; expected [N, C, ...], 1 to 1024',
  ],
  [
    "a response between very many channels",
    model("LRN", [f(1, 2)], { size: int(2000) }),
    'LRN "here": the input is [1, 2], the size 2000; expected [N, C, ...], 1 to 1024',
  ],
  [
    "an output shape of unknown sizes",
    model("ConvTranspose", [f(1, 1, "w"), f(1, 1, 3)], { output_shape: ints(8) }),
    'ConvTranspose "here": output_shape of [1, 1, w] needs known sizes; give pads and output_padding',
  ],
  [
    "a bias of another length",
    model("Conv", [f(1, 3, 8, 8), f(2, 3, 3, 3), f(3)]),
    'Conv "here": the bias is [3], expected [2], one for each output channel',
  ],
  [
    "a bias of more axes",
    model("ConvTranspose", [f(1, 3, 8, 8), f(3, 2, 3, 3), f(2, 1)]),
    'ConvTranspose "here": the bias is [2, 1], expected [2], one for each output channel',
  ],
  ...["Conv", "ConvTranspose"].map((opType): [string, Model, string] => [
    `${opType} with a bias of another type`,
    model(opType, [f(1, 2, 8), f(2, 2, 3), ["float64", [2]]]),
    `${opType} "here": the element types differ: float32 [1, 2, 8] and float32 [2, 2, 3] and float64 [2]; convert one with cast()`,
  ]),
  [
    "a pool over the pixels of a matrix",
    model("MaxPool", [f(2, 3)], { kernel_shape: ints() }),
    'MaxPool "here": the input is [2, 3], expected [N, C, ...] with known sizes after C',
  ],
  [
    "branches of other element types",
    model("If", [b()], twoBranches([f(2)], [i(2)])),
    'If "here": result 0 is float32 [2] in one branch and int64 [2] in the other; both must have one type',
  ],
  [
    "a loop that changes an element type",
    model("Loop", [i(), b(), f(2)], { body: loopBody([f(2)], [i(2)]) }),
    'Loop "here": carried value 0 is float32 [2] before the body and int64 [2] after it; it must keep its type',
  ],
  [
    "elements picked by floating-point numbers",
    model("GatherElements", [f(2), f(2)]),
    'GatherElements "here": the indices are float32 [2], expected int32 or int64 of the rank of [2]; reshape() or cast() them',
  ],
  [
    "indices of unknown depth, to pick by",
    model("GatherND", [f(2, 2), i(3, "k")]),
    'GatherND "here": indices [3, k] do not address [2, 2]; the last axis counts the addressed axes',
  ],
  [
    "indices deeper than what is put in place",
    model("ScatterND", [f(2), i(3, 2), f(3)]),
    'ScatterND "here": indices [3, 2] do not address [2]; the last axis counts the addressed axes',
  ],
  [
    "statistics in two axes",
    model("BatchNormalization", [f(2, 3), f(3, 1), f(3), f(3), f(3)]),
    'BatchNormalization "here": input 1 is [3, 1], expected [3], one for each channel of [2, 3]',
  ],
  [
    "a permutation of fewer axes",
    model("Transpose", [f(2, 3)], { perm: ints(0) }),
    'Transpose "here": perm [0] is not a permutation of the axes of [2, 3]; name each axis once',
  ],
  [
    "an identity of three axes",
    model("EyeLike", [f(2, 2, 2)]),
    'EyeLike "here": the input is [2, 2, 2], expected a matrix of known, moderate size',
  ],
  [
    "an identity of gigabytes",
    model("EyeLike", [f(4097, 4096)]),
    'EyeLike "here": the input is [4097, 4096], expected a matrix of known, moderate size',
  ],
  [
    "classes without end",
    model("OneHot", [i(3), [2 ** 24 + 1], f(2)]),
    'OneHot "here": the depth is 16777217, expected 0 to 16777216',
  ],
  [
    "a result axis that is named twice",
    model("Einsum", [f(2)], { equation: text("i->ii") }),
    'Einsum "here": the result\'s axes "ii" are not each one of the operands\', named once',
  ],
  [
    "an activation that is defined for one type",
    model("Celu", [["float64", [2]]]),
    'Celu "here": the input is float64, expected float32, the only type of operator (Celu); use elu()',
  ],
  [
    "groups of no channels",
    model("GroupNormalization", [f(2, 4, 4), f(4), f(4)], { num_groups: int(0) }),
    'GroupNormalization "here": the input is [2, 4, 4], expected channels that divide into 0 groups',
  ],
  [
    "a normalisation along an axis that is not there",
    model("LpNormalization", [f(2, 3)], { axis: int(2) }),
    'LpNormalization "here": axis 2 is out of range for rank 2; expected -2..1',
  ],
  [
    "a response without channels",
    model("LRN", [f(1, 2)], { size: int(0) }),
    'LRN "here": the input is [1, 2], the size 0; expected [N, C, ...], 1 to 1024',
  ],
  [
    "a scalar times a matrix",
    model("MatMul", [f(), f(2, 3)]),
    'MatMul "here": an operand is a scalar; use mul()',
  ],
  [
    "a product by three axes",
    model("Gemm", [f(4, 2), f(2, 3, 4)]),
    'Gemm "here": the operands are [4, 2] and [2, 3, 4], expected matrices; use matmul()',
  ],
  [
    "a vector joined with a matrix",
    model("Concat", [f(2), f(2, 3)], { axis: int(0) }),
    'Concat "here": [2] and [2, 3] differ outside axis 0; only that axis may differ',
  ],
  [
    "equal parts of an unknown size, as before",
    model("Split", [f("n")], {}, ["y", "z"]),
    'Split "here": axis 0 of [n] has no known size; give the sizes as a constant',
  ],
  [
    "an equation whose result is none",
    model("Einsum", [f(2)], { equation: text("i->i-") }),
    'Einsum "here": the equation "i->i-" is none; expected letters, "..." and commas, then "->" and the result\'s',
  ],
  [
    "scores of vectors",
    model("Softmax", [f()]),
    'Softmax "here": axis -1 is out of range: a scalar has no axes',
  ],
])("%s", (_, file, message) => {
  test("is refused", () => {
    expect(mistake(() => importModel(file))).toBe(`GraphError: ${message}`);
  });
});

describe.each<[string, Model, string]>([
  [
    "padding by reflection",
    model("Pad", [f(2, 3), [1, 1, 1, 1]], { mode: text("reflect") }),
    'gradients: Pad "here": no gradient for mode "reflect"; pad with constants, or concat slices',
  ],
  [
    "groups of unknown sizes",
    model("Conv", [f(1, 6, 8, 8), f("o", 3, 3, 3)], { group: int(2) }),
    'gradients: Conv "here": a grouped convolution needs known channel counts for its gradient',
  ],
  [
    "steps along an unknown size",
    model("Slice", [f("n"), [0], [2 ** 31 - 1], [0], [2]]),
    'gradients: Slice "here": no gradient for a step of 2 along the named size floor((n+1)/2); give the size a number',
  ],
  [
    "a diagonal of unknown length",
    model("Einsum", [f("n", "n")], { equation: text("ii->i") }),
    'gradients: Einsum "here": no gradient by a diagonal of the named size n',
  ],
  [
    "a weight along an unknown size",
    model("Conv", [f(1, 1, "w"), f(1, 1, 3)]),
    'gradients: Conv "here": the gradient by the weight needs known sizes after the channels, found [1, 1, w]; give them in numbers',
  ],
  [
    "a product along an unknown size",
    model("ReduceProd", [f("n"), [0]]),
    "gradients: ReduceProd: axis 0 of [n] has no known size; give it in numbers",
  ],
  [
    "elements put in place by products",
    model("ScatterElements", [f(2), i(2), f(2)], { reduction: text("mul") }),
    'gradients: ScatterElements "here": no gradient for the reduction "mul"; use "add" or "none"',
  ],
  [
    "slices put in place by products",
    model("ScatterND", [f(2, 2), i(1, 1), f(1, 2)], { reduction: text("mul") }),
    'gradients: ScatterND "here": no gradient for the reduction "mul"; use "add" or "none"',
  ],
  [
    "picking in each of a batch",
    model("GatherND", [f(2, 3), i(2, 1)], { batch_dims: int(1) }),
    'gradients: GatherND "here": no gradient for batch_dims > 0; put the batch into the indices',
  ],
  [
    "smoothing while resizing",
    model("Resize", [f(1, 1, 4, 4), "", [1, 1, 0.5, 0.5]], { antialias: int(1), mode: text("linear") }),
    'gradients: Resize "here": no gradient with antialias; leave it out',
  ],
  [
    "a part of an image, resized",
    model("Resize", [f(1, 1, 4, 4), f(8), [1, 1, 0.5, 0.5]], {
      coordinate_transformation_mode: text("tf_crop_and_resize"),
    }),
    'gradients: Resize "here": no gradient for the mode tf_crop_and_resize; crop with slice() and resize with another mode',
  ],
  [
    "resizing what has no known size",
    model("Resize", [f(1, 1, "h", 4), "", "", [1, 1, 4, 4]], { mode: text("linear") }),
    'gradients: Resize "here": no gradient along axis 2 of [1, 1, h, 4], whose size is not known; resize by whole numbers to the nearest neighbours',
  ],
  [
    "a loop",
    model("Loop", [i(), b(), f(2)], { body: loopBody([f(2)], [f(2)]) }),
    'gradients: Loop "here": a gradient has to pass it, and it has no rule for that; put stopGradient() around its result, or compute it from operators that have one',
  ],
])("%s", (_, file, message) => {
  test("has no gradient", () => {
    const { inputs, outputs } = importModel(file);
    const floating = Object.values(inputs).filter((t) => isFloat(t.dtype));
    const differentiate = () => gradients(reduceSum(outputs.y!), floating);
    expect(mistake(differentiate)).toBe(`GraphError: ${message}`);
  });
});
