import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsInput } from "../src/safetensors.js";
import {
  SAFETENSORS_DTYPE,
  SAFETENSORS_ITEM_BYTES,
  type SafetensorsDType,
  safetensorsLayout,
} from "../src/safetensors-layout.js";

/**
 * Written by the format's own library, safetensors 0.8.0 for Python: save_file of numpy arrays w, odd, step, ids, mask,
 * half, wide, empty with metadata { format: "pt", note: "ä" }.
 */
const FOREIGN = `
AAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoiw6QiLCJmb3JtYXQiOiJwdCJ9LCJpZHMiOnsiZHR5cGUiOiJJNjQiLCJz
aGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOlswLDE2XX0sIndpZGUiOnsiZHR5cGUiOiJGNjQiLCJzaGFwZSI6WzFdLCJkYXRhX29m
ZnNldHMiOlsxNiwyNF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCwyXSwiZGF0YV9vZmZzZXRzIjpbMjQsMjRd
fSwidyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwyXSwiZGF0YV9vZmZzZXRzIjpbMjQsNDBdfSwic3RlcCI6eyJkdHlwZSI6
IkkzMiIsInNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbNDAsNDRdfSwiaGFsZiI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbMl0s
ImRhdGFfb2Zmc2V0cyI6WzQ0LDQ4XX0sIm9kZCI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNDgs
NTFdfSwibWFzayI6eyJkdHlwZSI6IkJPT0wiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls1MSw1NF19fSAgICAgIAAAAAAA
AQAA//////////+amZmZmZm5PwAAwD8AAADAAABAQG8SgzspAAAAADgAvAcICQEAAQ==
`;

const ARRAYS = {
  F32: Float32Array,
  F16: Uint16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  I8: Int8Array,
  BOOL: Uint8Array,
  F64: Float64Array,
  BF16: Uint16Array,
};

/** A file with this header and so many bytes of data. */
function fileOf(header: string, dataBytes = 0, claimed?: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const jsonOf = (bytes: Uint8Array): string => {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + length));
};

test("reads what the format's own library wrote", () => {
  const { tensors, metadata } = decodeSafetensors(Buffer.from(FOREIGN, "base64"));
  expect(Object.fromEntries(metadata)).toEqual({ format: "pt", note: "ä" });
  expect(Object.fromEntries(tensors)).toEqual({
    w: { dtype: "F32", shape: [2, 2], data: Float32Array.of(1.5, -2, 3, 4e-3) },
    odd: { dtype: "U8", shape: [3], data: Uint8Array.of(7, 8, 9) },
    step: { dtype: "I32", shape: [], data: Int32Array.of(41) },
    ids: { dtype: "I64", shape: [2], data: BigInt64Array.of(2n ** 40n, -1n) },
    mask: { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) },
    half: { dtype: "F16", shape: [2], data: Uint16Array.of(0x3800, 0xbc00) },
    wide: { dtype: "F64", shape: [1], data: Float64Array.of(0.1) },
    empty: { dtype: "F32", shape: [0, 2], data: new Float32Array(0) },
  });
});

test("writes the bytes of the format, names in the order given", () => {
  const bytes = encodeSafetensors([
    { name: "10", dtype: "F32", shape: [2], data: Float32Array.of(1, -2) },
    { name: "9", dtype: "U8", shape: [], data: Uint8Array.of(255) },
  ]);
  const json =
    '{"10":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"9":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}';
  const padded = json.padEnd(Math.ceil(json.length / 8) * 8, " ");
  expect(jsonOf(bytes)).toBe(padded);
  expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192, 255]);
});

test("metadata comes first, and only if given", () => {
  const bytes = encodeSafetensors([], { model: 'a "b"' });
  expect(jsonOf(bytes).trimEnd()).toBe('{"__metadata__":{"model":"a \\"b\\""}}');
  expect(decodeSafetensors(bytes).metadata.get("model")).toBe('a "b"');
  expect(jsonOf(encodeSafetensors([]))).toBe("{}      ");
});

const tensors: fc.Arbitrary<SafetensorsInput[]> = fc.uniqueArray(
  fc
    .record({
      name: fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("__proto__", "constructor", "0", '"', "a.b"),
      ),
      dtype: fc.constantFrom(...(Object.keys(SAFETENSORS_ITEM_BYTES) as SafetensorsDType[])),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      fill: fc.integer({ min: 0, max: 255 }),
    })
    .filter(({ name }) => name !== "__metadata__")
    .map(({ name, dtype, shape, fill }) => {
      const count = shape.reduce((product, dim) => product * dim, 1);
      const bytes = new Uint8Array(count * SAFETENSORS_ITEM_BYTES[dtype]).map(
        (_, i) => (fill + 37 * i) % 251,
      );
      return { name, dtype, shape, data: new ARRAYS[dtype](bytes.buffer) };
    }),
  { selector: ({ name }) => name },
);
const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

test("what is written is read back, from any place in memory", () => {
  fc.assert(
    fc.property(tensors, fc.integer({ min: 0, max: 9 }), (inputs, shift) => {
      const encoded = encodeSafetensors(inputs);
      // as a part of something larger, as Node's Buffers are
      const inside = Buffer.alloc(encoded.length + 16, 0xee).subarray(shift, shift + encoded.length);
      inside.set(encoded);
      const { tensors: outputs, metadata } = decodeSafetensors(inside);
      expect(metadata.size).toBe(0);
      expect(outputs.size).toBe(inputs.length);
      for (const { name, dtype, shape, data } of inputs) {
        const output = outputs.get(name)!;
        expect(output).toMatchObject({ dtype, shape });
        expect(output.data.constructor).toBe(data.constructor);
        expect(bytesOf(output.data)).toEqual(bytesOf(data));
      }
    }),
  );
});

test("the layout says where each tensor lies, before there are any values", () => {
  fc.assert(
    fc.property(tensors, (inputs) => {
      const layout = safetensorsLayout(inputs);
      const encoded = encodeSafetensors(inputs);
      expect(layout.byteLength).toBe(encoded.length);
      expect(layout.header.length % 8).toBe(0);
      expect(encoded.subarray(0, layout.header.length)).toEqual(layout.header);
      expect(layout.tensors.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
      for (const [i, { offset, length }] of layout.tensors.entries()) {
        expect(encoded.subarray(offset, offset + length)).toEqual(bytesOf(inputs[i]!.data));
      }
    }),
  );
});

test("aligned values are views, not copies", () => {
  const bytes = encodeSafetensors([{ name: "a", dtype: "F32", shape: [1], data: Float32Array.of(1) }]);
  expect(decodeSafetensors(bytes).tensors.get("a")?.data.buffer).toBe(bytes.buffer);
});

test("the manifest's dtypes have the same sizes", () => {
  const sizes = Object.entries(SAFETENSORS_DTYPE).map(([name, dtype]) => [
    name,
    SAFETENSORS_ITEM_BYTES[dtype],
  ]);
  expect(Object.fromEntries(sizes)).toEqual({
    float32: 4,
    float16: 2,
    int32: 4,
    int64: 8,
    uint8: 1,
    bool: 1,
  });
});

describe("what cannot be written", () => {
  const one = { name: "a", dtype: "F32", shape: [1], data: Float32Array.of(1) } as const;
  test.each<[string, SafetensorsInput[], string]>([
    ["a name twice", [one, one], 'safetensors: the name "a" is taken, expected another for each tensor'],
    ["the metadata's name", [{ ...one, name: "__metadata__" }], 'the name "__metadata__" is taken'],
    ["a size below 0", [{ ...one, shape: [-1] }], 'tensor "a" has shape [-1], expected sizes of 0 or more'],
    ["too few values", [{ ...one, shape: [2] }], 'tensor "a" has 4 bytes, expected 8 for F32 [2]'],
  ])("%s", (_, inputs, message) => {
    expect(() => encodeSafetensors(inputs)).toThrow(UserError);
    expect(() => encodeSafetensors(inputs)).toThrow(message);
  });
});

describe("files that are damaged or hostile", () => {
  const a = (fields: string): string => `{"a":{${fields}}}`;
  const good = '"dtype":"F32","shape":[1],"data_offsets":[0,4]';
  const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "found 0 bytes, expected 8 or more"],
    [
      "a header longer than the file",
      fileOf(a(good), 4, 1000),
      "the header's length is 1000, but only 58 bytes follow",
    ],
    [
      "a huge header",
      fileOf(a(good), 4, 2 ** 53),
      "the header's length is 9007199254740992, expected at most 100000000",
    ],
    ["no UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), "the header is not UTF-8"],
    ["no JSON", fileOf("{"), "the header is not JSON"],
    ["no object", fileOf("[]"), "the header is not a JSON object"],
    ["an entry that is none", fileOf('{"a":3}'), '"a" is 3, expected an object'],
    ["an entry of many brackets", fileOf(deep), '"a" is a deeply nested array, expected an object'],
    ["metadata that is none", fileOf('{"__metadata__":{"k":1}}'), 'metadata "k" is 1, expected a string'],
    [
      "an unknown dtype",
      fileOf(a('"dtype":"F33","shape":[1],"data_offsets":[0,4]'), 4),
      'has dtype "F33", expected one of F32',
    ],
    [
      "a dtype of Object's",
      fileOf(a('"dtype":"constructor","shape":[1],"data_offsets":[0,4]'), 4),
      'has dtype "constructor", expected one of F32',
    ],
    [
      "a shape that is none",
      fileOf(a('"dtype":"F32","shape":[1.5],"data_offsets":[0,4]'), 4),
      "has shape [1.5], expected sizes of 0 or more",
    ],
    [
      "a shape past any size",
      fileOf(a('"dtype":"F32","shape":[1e9,1e9],"data_offsets":[0,4]'), 4),
      "has shape [1000000000,1000000000], expected sizes",
    ],
    [
      "offsets that are none",
      fileOf(a('"dtype":"F32","shape":[1],"data_offsets":[0]'), 4),
      "has data_offsets [0], expected two byte offsets",
    ],
    [
      "offsets backwards",
      fileOf(a('"dtype":"F32","shape":[1],"data_offsets":[4,0]'), 4),
      "has -4 bytes, expected 4 for F32 [1]",
    ],
    [
      "bytes that disagree with the shape",
      fileOf(a('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), 4),
      "has 4 bytes, expected 8 for F32 [2]",
    ],
    ["data cut off", fileOf(a(good), 3), 'tensor "a" ends at byte 4 of the data, which has 3'],
    ["data left over", fileOf(a(good), 5), "the tensors take 4 bytes, the data has 5"],
    [
      "a gap",
      fileOf(a('"dtype":"F32","shape":[1],"data_offsets":[4,8]'), 8),
      'tensor "a" begins at byte 4 of the data, expected 0',
    ],
    [
      "an overlap",
      fileOf(`{"a":{${good}},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, 6),
      'tensor "b" begins at byte 2 of the data, expected 4',
    ],
    ["a name twice", fileOf(`{"a":{${good}},"b:":{},"\\u0061":{${good}}}`, 4), 'the name "a" comes twice'],
  ])("%s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, "w.safetensors")).toThrow(UserError);
    expect(() => decodeSafetensors(bytes, "w.safetensors")).toThrow(/^w\.safetensors: [^\n]*$/);
    expect(() => decodeSafetensors(bytes, "w.safetensors")).toThrow(message);
  });

  test("a name such as __proto__ is a name like any other", () => {
    const { tensors: read } = decodeSafetensors(fileOf(`{"__proto__":{${good}}}`, 4));
    expect([...read.keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  test("any single changed byte of a header is read or refused, never crashed on", () => {
    const file = encodeSafetensors([
      { name: "a", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) },
      { name: "b", dtype: "I32", shape: [], data: Int32Array.of(3) },
    ]);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: file.length - 13 }),
        fc.integer({ min: 0, max: 255 }),
        (at, byte) => {
          const changed = file.slice();
          changed[at] = byte;
          try {
            decodeSafetensors(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
