/** ONNX's own operator tests: read, infer, write, run, differentiate. */
import { describe, expect, test } from "vitest";
import { elementAt, isFloat } from "../../src/dtype.js";
import { evaluate, type Value } from "../run.js";
import { nodeTests } from "./archive.js";
import { checkGradient } from "./gradient.js";
import { missingOperators, missingTypes, readCase } from "./case.js";

const TESTS = nodeTests().filter((t) => missingOperators(t).length === 0 && missingTypes(t).length === 0);

describe.each(TESTS.map((t) => [t.name, t] as const))("%s", (_, nodeTest) => {
  test("is read, inferred, written and run", async () => {
    const { model, imported, feeds, expected } = readCase(nodeTest);
    for (const { name, dtype, shape } of model.graph.outputs) {
      const inferred = imported.outputs[name]!;
      expect(inferred.dtype).toBe(dtype);
      expect(inferred.shape).toEqual(shape);
    }
    const results = await evaluate(
      feeds.map(([name, value]) => [imported.inputs[name]!, value] as const),
      imported.outputs,
    );
    for (const [name, value] of expected) expectClose(results[name]!, value);
  });

  test("gradient", async () => {
    const r = await checkGradient(readCase(nodeTest));
    expect(r).toBe("ok");
  });
});

function expectClose(actual: Value, expected: Value): void {
  expect(actual.dtype).toBe(expected.dtype);
  expect(actual.dims).toEqual(expected.dims);
  if (!isFloat(expected.dtype)) return expect(actual.data).toEqual(expected.data);
  const numbers = ({ dtype, data }: Value) => Array.from({ length: data.length }, (_, i) => elementAt(dtype, data, i));
  const there = numbers(actual);
  numbers(expected).forEach((value, i) => {
    const close = Object.is(there[i], value) || there[i] === value || Math.abs(there[i]! - value) <= 1e-7 + 1e-3 * Math.abs(value);
    if (!close) expect.fail(`element ${i} is ${there[i]}, expected ${value}`);
  });
}
