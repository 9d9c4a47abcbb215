/** What is written and read back is what it was: any names, types, attributes and bodies. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesPerElement, dtypeFromOnnx, type TypedArray, viewBytes } from "../../src/dtype.js";
import {
  buildModel,
  type Dim,
  type Model,
  type ModelAttribute,
  type ModelGraph,
  type ModelInitializer,
  type ModelNode,
  type ModelValue,
  readOnnx,
  writeOnnx,
} from "../../src/index.js";
import { OPS } from "../../src/ops/registry.js";
import { operandsOf, programs, runProgram } from "./programs.js";

/** ONNX's codes of element types are below 40. */
const DTYPES = Array.from({ length: 40 }, (_, code) => dtypeFromOnnx(code)).filter((d) => d !== undefined);

/** Any characters that UTF-8 has, byte order marks and zeros among them. */
const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  fc.constantFrom("\ufeffmark", "\0", "重み", "🙂"),
);
const name = fc.oneof(
  text.filter((s) => s !== ""),
  fc.constantFrom("x", "a/b:0", "__proto__"),
);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
const dtype = fc.constantFrom(...DTYPES);
const record = <T>(values: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(fc.tuple(name, values), { selector: ([key]) => key, maxLength: 4 })
    .map((entries) => Object.fromEntries(entries) as Record<string, T>);

const dim: fc.Arbitrary<Dim> = fc.oneof(fc.nat({ max: 5 }), fc.nat(), name);
const value = (own: string): fc.Arbitrary<ModelValue> =>
  fc.record({ name: fc.constant(own), dtype, shape: fc.array(dim, { maxLength: 4 }) });

/** Any bits: numbers that are none, negative zeros and subnormal ones come as they are. */
const tensor = (own: fc.Arbitrary<string>): fc.Arbitrary<ModelInitializer> =>
  fc.tuple(own, dtype, fc.array(fc.nat({ max: 3 }), { maxLength: 3 })).chain(([tensorName, type, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1) * bytesPerElement(type);
    const inline = fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((bytes): TypedArray => viewBytes(type, bytes));
    const outside = fc.record({
      location: fc.constantFrom("weights.bin", "folder/重み.safetensors"),
      offset: fc.nat(),
      length: fc.constant(size),
    });
    return fc
      .oneof({ weight: 4, arbitrary: inline }, outside)
      .map((data) => ({ name: tensorName, dtype: type, shape, data }));
  });

const whole = fc.maxSafeInteger();
const float = fc.float();

const ATTRIBUTES: Readonly<
  Record<ModelAttribute["type"], (depth: number) => fc.Arbitrary<ModelAttribute["value"]>>
> = {
  int: () => whole,
  ints: () => fc.array(whole, { maxLength: 4 }),
  float: () => float,
  floats: () => fc.array(float, { maxLength: 4 }),
  string: () => text,
  strings: () => fc.array(text, { maxLength: 3 }),
  tensor: () => tensor(text),
  graph: (depth) => graph(depth - 1),
};

const attribute = (depth: number): fc.Arbitrary<ModelAttribute> =>
  fc
    .constantFrom(
      ...(Object.keys(ATTRIBUTES) as ModelAttribute["type"][]).filter(
        (type) => type !== "graph" || depth > 0,
      ),
    )
    .chain((type) => ATTRIBUTES[type](depth).map((v) => ({ type, value: v })));

const node = (depth: number): fc.Arbitrary<ModelNode> =>
  fc.record(
    {
      name: text,
      domain: name.filter((d) => d !== "ai.onnx"),
      opType: fc.constantFrom(...OPS.keys()),
      inputs: fc.array(fc.oneof(name, fc.constant("")), { maxLength: 4 }),
      outputs: fc.array(fc.oneof(name, fc.constant("")), { maxLength: 3 }),
      attributes: record(attribute(depth)),
    },
    { requiredKeys: ["name", "opType", "inputs", "outputs", "attributes"] },
  );

const graph = (depth: number): fc.Arbitrary<ModelGraph> =>
  fc.tuple(names, names).chain(([inputs, outputs]) =>
    fc.record({
      name: text,
      nodes: fc.array(node(depth), { maxLength: 4 }),
      inputs: fc.tuple(...inputs.map(value)),
      outputs: fc.tuple(...outputs.map(value)),
      initializers: fc.array(tensor(name), { maxLength: 3 }),
    }),
  );

const model: fc.Arbitrary<Model> = fc.record({
  graph: graph(2),
  opset: fc.integer({ min: 1, max: 26 }),
  metadata: record(text),
});

test("any model, to the bit", () => {
  fc.assert(
    fc.property(model, (m) => {
      const bytes = writeOnnx(m);
      const read = readOnnx(bytes);
      expect(read).toEqual(m);
      expect(writeOnnx(read)).toEqual(bytes);
    }),
    { numRuns: 200 },
  );
});

test("models of random computations", () => {
  fc.assert(
    fc.property(programs, (program) => {
      const [a, b] = operandsOf("float32");
      const outputs = Object.fromEntries(runProgram(program, a, b).map((t, i) => [`y${i}`, t]));
      const m = buildModel({ name: "m", inputs: [a, b], outputs });
      expect(readOnnx(writeOnnx(m))).toEqual(m);
    }),
    { numRuns: 100 },
  );
});
