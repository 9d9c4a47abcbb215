/** Tables of convolutions' forms: what is written is read, and what is no table is refused with its place. */
import { expect, test } from "vitest";
import {
  type MeasuredChoice,
  parseFormTable,
  serializeFormTable,
  shapeKey,
} from "../src/convolution-forms.js";

const ROWS: readonly MeasuredChoice[] = [
  {
    ...{ kernel: [4, 4], stride: 2, pad: 1, large: [32, 16], channels: 3, filters: 72 },
    form: "native",
    ms: { patches: 2.5, native: 1.25 },
  },
  {
    ...{ kernel: [1, 3], stride: 1, pad: 0, large: [8, 8], channels: 72, filters: 3 },
    form: "patches-transposed",
    ms: {},
  },
];
const text = serializeFormTable({ network: "conv", batch: 16 }, ROWS);
const table = JSON.parse(text);

test("a table comes back as it was written, without what is for people", () => {
  expect(parseFormTable(text, "t.json")).toEqual(ROWS.map(({ ms: _, ...row }) => row));
  expect(table.measured).toEqual({ network: "conv", batch: 16 });
  expect(text.split("\n").filter((line) => line.includes('"form"'))).toHaveLength(2);
  expect(new Set(ROWS.map(shapeKey)).size).toBe(2);
});

const row = (change: object) => ({ ...table, forms: [{ ...table.forms[0], ...change }] });

test.each<[string, unknown, string]>([
  ["text", "forms", "t.json: found text that is not JSON"],
  ["a list", [], "t.json: found [], expected an object"],
  [
    "another file",
    { format: "onnx-diffusion" },
    'format: found "onnx-diffusion", expected "onnx-diffusion-forms"',
  ],
  [
    "a later version",
    { ...table, version: 2 },
    "version: found 2, expected 1 or less: a newer onnx-diffusion",
  ],
  ["no rows", { ...table, forms: undefined }, "t.json: forms: found nothing, expected an array"],
  [
    "an unknown form",
    row({ form: "fast" }),
    'forms[0].form: found "fast", expected "patches" or "patches-transposed" or "winograd" or "native"',
  ],
  ["a size of 0", row({ channels: 0 }), "forms[0].channels: found 0, expected a positive integer"],
  ["a negative pad", row({ pad: -1 }), "forms[0].pad: found -1, expected an integer of 0 or more"],
  [
    "three sizes",
    row({ kernel: [4, 4, 4] }),
    "forms[0].kernel: found [4,4,4], expected two sizes, height and width",
  ],
  [
    "a stride that does not come out even",
    row({ large: [31, 16] }),
    "forms[0].large: found [31,16], expected sizes that kernel 4x4 covers whole with stride 2 and pad 1",
  ],
  [
    "a kernel beyond the image",
    row({ large: [1, 16] }),
    "forms[0].large: found [1,16], expected sizes that kernel 4x4 covers whole",
  ],
  [
    "a shape twice",
    { ...table, forms: [table.forms[0], { ...table.forms[0], form: "patches" }] },
    "expected another shape than that of row 0; leave one of the two out",
  ],
])("%s is refused", (_, source, message) => {
  expect(() => parseFormTable(source, "t.json")).toThrow(message);
});
