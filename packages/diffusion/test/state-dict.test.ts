import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from "../src/half.js";
import type { StateTensor } from "../src/manifest.js";
import { encodeSafetensors, type SafetensorsInput } from "../src/safetensors.js";
import { decodeStateDict, encodeStateDict } from "../src/state-dict.js";

const tensor = (name: string, kind: StateTensor["kind"], shape: readonly number[]): StateTensor => ({
  name,
  kind,
  dtype: "float32",
  shape,
  initializer: { kind: "constant", value: 0 },
});
const state: StateTensor[] = [
  tensor("conv.weight", "parameter", [1, 2]),
  tensor("bn.running_var", "buffer", [2]),
  { ...tensor("conv.weight.exp_sum", "optimizer", [1, 2]), of: "conv.weight" },
  { ...tensor("step", "counter", []), dtype: "int32" },
];

const weight: SafetensorsInput = {
  name: "conv.weight",
  dtype: "F32",
  shape: [1, 2],
  data: Float32Array.of(1, 2),
};
const variance: SafetensorsInput = {
  name: "bn.running_var",
  dtype: "F64",
  shape: [2],
  data: Float64Array.of(0.5, 0.1),
};
const count: SafetensorsInput = {
  name: "bn.num_batches_tracked",
  dtype: "I64",
  shape: [],
  data: BigInt64Array.of(7n),
};
const values = new Map([
  ["conv.weight", Float32Array.of(1, 2)],
  ["bn.running_var", Float32Array.of(0.5, 0.1)],
]);
const prefixed = (prefix: string) => [weight, variance, count].map((t) => ({ ...t, name: prefix + t.name }));

describe("reading", () => {
  test("takes parameters and buffers, passes over counts, rounds float64", () => {
    expect(decodeStateDict(encodeSafetensors([count, variance, weight]), state)).toEqual(values);
  });

  test("takes the part of a larger file that has the prefix", () => {
    const other: SafetensorsInput = { ...weight, name: "vae.conv.weight" };
    const bytes = encodeSafetensors([other, ...prefixed("unet.")]);
    expect(decodeStateDict(bytes, state, { prefix: "unet." })).toEqual(values);
  });

  test.each<[string, SafetensorsInput[], string]>([
    [
      "missing",
      [weight],
      "missing: bn.running_var; make the network with the options that the weights were trained with",
    ],
    [
      "more than there should be",
      [weight, variance, ...["a", "b", "c", "d"].map((name) => ({ ...weight, name }))],
      "not of this network: a, b, c and 1 more; make the network with the options that the weights were trained with",
    ],
    [
      "another shape",
      [{ ...weight, shape: [2, 1] }, variance],
      '"conv.weight" is [2,1], expected [1,2]; make the network with the options that the weights were trained with',
    ],
    [
      "integers",
      [{ ...weight, dtype: "I32", data: Int32Array.of(1, 2) }, variance],
      '"conv.weight" is I32, expected F32, F16, BF16 or F64; make the network with the options that the weights were trained with',
    ],
    [
      "a prefix",
      prefixed("module."),
      'missing: conv.weight, bn.running_var; not of this network: module.conv.weight, module.bn.running_var; every name begins with "module.", give that as the prefix',
    ],
  ])("refuses a file with %s", (_, tensors, message) => {
    expect(() => decodeStateDict(encodeSafetensors(tensors), state, { where: "w.safetensors" })).toThrow(
      new UserError(`w.safetensors: the weights do not fit the network: ${message}`),
    );
  });
});

describe("writing", () => {
  test("gives what reading takes, in the order of the state", () => {
    const bytes = encodeStateDict(values, state);
    expect(decodeStateDict(bytes, state)).toEqual(values);
    const header = new TextDecoder().decode(bytes.subarray(8, 80));
    expect(header.indexOf("conv.weight")).toBeLessThan(header.indexOf("bn.running_var") >>> 0);
  });

  test("refuses where a value is not there", () => {
    expect(() => encodeStateDict(new Map(), state)).toThrow(
      new UserError('state_dict: there is no value for "conv.weight"; give one'),
    );
  });
});

describe("numbers of 16 bits", () => {
  // Sign, exponent and fraction from the definition of IEEE 754, as text.
  const meaning = (bits: number, exponentBits: number, fractionBits: number): number => {
    const binary = bits.toString(2).padStart(16, "0");
    const exponent = Number.parseInt(binary.slice(1, 1 + exponentBits), 2);
    const fraction = Number.parseInt(binary.slice(1 + exponentBits), 2) / 2 ** fractionBits;
    const bias = 2 ** (exponentBits - 1) - 1;
    const sign = binary[0] === "1" ? -1 : 1;
    if (exponent === 2 ** exponentBits - 1)
      return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
  };

  test.each([
    ["float16", fromHalf, toHalf, 5],
    ["bfloat16", fromBfloat16, toBfloat16, 8],
  ] as const)("%s: all of them, both ways", (_, from, to, exponentBits) => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = meaning(bits, exponentBits, 15 - exponentBits);
      if (!Object.is(from(bits), value)) expect(from(bits), String(bits)).toBe(value);
      if (!Number.isNaN(value) && to(value) !== bits) expect(to(value), String(value)).toBe(bits);
    }
    expect(from(to(Number.NaN))).toBeNaN();
  });

  test("ties go to the even one, and what is beyond the largest to infinity", () => {
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 65519, 65520].map((v) => fromHalf(toHalf(v)))).toEqual([
      1,
      1 + 2 ** -9,
      0,
      65504,
      Number.POSITIVE_INFINITY,
    ]);
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8].map((v) => fromBfloat16(toBfloat16(v)))).toEqual([1, 1 + 2 ** -6]);
  });
});
