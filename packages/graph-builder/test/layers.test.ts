/** What layers refuse. test/layers.test.ts has PyTorch's numbers. */
import { expect, test } from "vitest";
import {
  Collector,
  GraphError,
  groupNorm,
  input,
  layerNorm,
  linear,
  multiHeadAttention,
  native,
  type Params,
  sine,
  sinusoidalEmbedding,
} from "../src/index.js";

const p = new Collector({ training: true, lowering: native }).root.at("here");
const sequence = (...shape: (number | string)[]) => input("x", "float32", shape);

test.each<[string, (p: Params) => unknown, string]>([
  [
    "linear over an unknown size",
    () => linear(p, sequence(2, "n"), { features: 3 }),
    'linear "here": the input is [2, n], expected [..., C] with a known C; reshape() it',
  ],
  [
    "sine over an unknown size",
    () => sine(p, sequence("n"), { features: 3, first: true }),
    'sine "here": the input is [n], expected [..., C] with a known C; reshape() it',
  ],
  [
    "layerNorm over an unknown size",
    () => layerNorm(p, sequence("n", 3), { axes: 2 }),
    'layerNorm "here": the input is [n, 3], expected a known size of the last 2 axes; reshape() it',
  ],
  [
    "layerNorm over more axes than there are",
    () => layerNorm(p, sequence(3), { axes: 2 }),
    'layerNorm "here": the input is [3], expected a known size of the last 2 axes; reshape() it',
  ],
  [
    "groups that do not divide the channels",
    () => groupNorm(p, sequence("n", 6, 2), { groups: 4 }),
    'groupNorm "here": the input is [n, 6, 2], expected [N, C, ...] with C a multiple of the 4 groups',
  ],
  [
    "heads that do not divide the features",
    () => multiHeadAttention(p, sequence("n", 5, 6), { heads: 4 }),
    'multiHeadAttention "here": the query has 6 features, expected a multiple of the 4 heads',
  ],
  [
    "a key without a sequence",
    () => multiHeadAttention(p, sequence("n", 5, 6), { heads: 2, key: sequence("n", 6) }),
    'multiHeadAttention "here": k is [n, 6], expected [N, length, features] with known features; reshape() it',
  ],
  [
    "an odd number of sines and cosines",
    () => sinusoidalEmbedding(input("t", "int32", ["n"]), { features: 5 }),
    "sinusoidalEmbedding: 5 features, expected an even number from 4 up: half are sines, half cosines",
  ],
])("%s", (_, build, message) => {
  expect(build).toThrow(new GraphError(message));
});
