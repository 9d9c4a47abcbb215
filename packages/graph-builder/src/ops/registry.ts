/**
 * The operators that a file may have. What the builder writes it knows without a list; who reads files imports this one,
 * and so all operators. Each file of operators exports its entries by default.
 */
import type { OpEntry } from "../op.js";
import activations from "./activations.js";
import arithmetic from "./arithmetic.js";
import bits from "./bits.js";
import branch from "./branch.js";
import cast from "./cast.js";
import choose from "./choose.js";
import clip from "./clip.js";
import compare from "./compare.js";
import concat from "./concat.js";
import conv from "./conv.js";
import cumSum from "./cumsum.js";
import einsum from "./einsum.js";
import expand from "./expand.js";
import gather from "./gather.js";
import gatherElements from "./gather-elements.js";
import gatherND from "./gather-nd.js";
import identity from "./identity.js";
import loop from "./loop.js";
import losses from "./losses.js";
import matmul from "./matmul.js";
import norm from "./norm.js";
import normalizations from "./normalization-nodes.js";
import pad from "./pad.js";
import pool, { globalPools } from "./pool.js";
import range from "./range.js";
import readings from "./readings.js";
import composed from "./readings-composed.js";
import layers from "./readings-layers.js";
import old from "./readings-old.js";
import rearrange, { rearrangements } from "./rearrange.js";
import reduce from "./reduce.js";
import reshape from "./reshape.js";
import resize from "./resize.js";
import scatter from "./scatter.js";
import shape from "./shape.js";
import slice from "./slice.js";
import softmax from "./softmax.js";
import split from "./split.js";
import squeeze from "./squeeze.js";
import transpose from "./transpose.js";
import trigonometry from "./trigonometry.js";
import unary from "./unary.js";

const byName = (entries: readonly OpEntry[]): ReadonlyMap<string, OpEntry> =>
  new Map(entries.map((entry) => [entry.name, entry]));

/** By their ONNX names. */
export const OPS = byName([
  ...activations,
  ...clip,
  ...cumSum,
  ...normalizations,
  ...softmax,
  ...trigonometry,
  ...bits,
  ...branch,
  ...choose,
  ...gatherElements,
  ...pool,
  ...rearrange,
  ...resize,
  ...arithmetic,
  ...cast,
  ...compare,
  ...concat,
  ...conv,
  ...einsum,
  ...expand,
  ...gather,
  ...gatherND,
  ...identity,
  ...loop,
  ...matmul,
  ...norm,
  ...pad,
  ...range,
  ...reduce,
  ...reshape,
  ...scatter,
  ...shape,
  ...slice,
  ...split,
  ...transpose,
  ...unary,
]);

/** Operators of ONNX that exist in files alone: reading them gives others. */
export const READINGS = byName([
  ...composed,
  ...globalPools,
  ...layers,
  ...losses,
  ...old,
  ...readings,
  ...rearrangements,
  ...squeeze,
]);
