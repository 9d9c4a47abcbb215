/** ONNX's own operator tests: read, infer, write, run, differentiate. */
import { describe, expect, test } from "vitest";
import { elementAt, isFloat } from "../../src/dtype.js";
import { evaluate, type Value } from "../run.js";
import { nodeTests } from "./archive.js";
import { type Case, hasOperators, readCase } from "./case.js";
import {
  DIFFERS,
  NAN_GRADIENT,
  NO_DERIVATIVE,
  NO_RULE,
  NOT_RUN,
  REFUSED,
  SINGLE,
  SINGLE_INSIDE,
} from "./exceptions.js";
import { gradientError, hasGradient, TOLERANCE } from "./gradient.js";

const TESTS = nodeTests().filter(hasOperators);
const singleSeen = new Set<string>();

test("there are no exceptions for tests that do not exist", () => {
  const names = TESTS.map((t) => t.name);
  const excepted = [REFUSED, NOT_RUN, NO_RULE, NAN_GRADIENT, NO_DERIVATIVE].flatMap(Object.keys);
  expect(excepted.filter((name) => !names.includes(name))).toEqual([]);
});

describe.each(TESTS.map((t) => [t.name, t] as const))("%s", (name, nodeTest) => {
  const refusal = REFUSED[name];
  if (refusal) {
    test("is refused", () => {
      for (const text of refusal) expect(() => readCase(nodeTest)).toThrow(text);
    });
    return;
  }
  let theCase: Case;
  try {
    theCase = readCase(nodeTest);
  } catch (error) {
    test("is read", () => {
      throw error;
    });
    return;
  }

  test("has the declared outputs", () => {
    const { model, imported } = readCase(nodeTest);
    for (const { name: output, dtype, shape } of model.graph.outputs) {
      const { dtype: inferred, shape: dims } = imported.outputs[output]!;
      expect({ dtype: inferred, shape: dims }).toEqual({ dtype, shape });
    }
  });

  test(NOT_RUN[name] ? "is not run by ONNX Runtime" : "gives the expected values", async () => {
    const { imported, feeds, expected } = readCase(nodeTest);
    const inputs = feeds.map(([input, value]) => [imported.inputs[input]!, value] as const);
    const running = evaluate(inputs, imported.outputs);
    if (NOT_RUN[name]) return expect(running).rejects.toThrow(NOT_RUN[name]);
    const results = await running;
    const compare = () => {
      for (const [output, value] of expected) expectClose(results[output]!, value);
    };
    if (DIFFERS.has(name)) expect(compare, "the exception is needed").toThrow();
    else compare();
  });

  if (!hasGradient(nodeTest, theCase)) return;
  const noRule = NO_RULE[name];
  if (noRule) {
    test("has no gradient", async () => {
      for (const text of noRule) await expect(gradientError(theCase, "float64", false)).rejects.toThrow(text);
    });
    return;
  }
  if (NAN_GRADIENT[name]) {
    test("has no gradient but NaN", async () => {
      expect((await checkGradient(theCase, false)).error).toBeNaN();
    });
    return;
  }
  test("has the gradient of numeric differences", async () => {
    const { dtype, error } = await checkGradient(theCase, false);
    if (!NO_DERIVATIVE[name]) return expect(error).toBeLessThan(TOLERANCE[dtype]);
    expect(error < TOLERANCE[dtype], "the exception is needed").toBe(false);
    expect((await checkGradient(theCase, true)).error).toBeLessThan(TOLERANCE[dtype]);
  });
});

test("operators are checked in float32 only where they must be", () => {
  expect(singleSeen).toEqual(SINGLE);
});

async function checkGradient(theCase: Case, moved: boolean) {
  if (theCase.model.graph.nodes.some((node) => SINGLE_INSIDE.has(node.opType)))
    return { dtype: "float32", error: await gradientError(theCase, "float32", moved) } as const;
  try {
    return { dtype: "float64", error: await gradientError(theCase, "float64", moved) } as const;
  } catch (error) {
    const operator = /(?:implementation for |of operator \()(\w+)[()]/.exec(`${error}`)?.[1];
    if (!operator) throw error;
    singleSeen.add(operator);
    return { dtype: "float32", error: await gradientError(theCase, "float32", moved) } as const;
  }
}

/** Equal within the tolerances of ONNX's own runner (rtol 1e-3, atol 1e-7); whole numbers exactly. */
function expectClose(actual: Value, expected: Value): void {
  expect({ dtype: actual.dtype, dims: actual.dims }).toEqual({ dtype: expected.dtype, dims: expected.dims });
  if (!isFloat(expected.dtype)) {
    expect(actual.data).toEqual(expected.data);
    return;
  }
  const numbers = ({ dtype, data }: Value) =>
    Array.from({ length: data.length }, (_, i) => elementAt(dtype, data, i));
  const found = numbers(actual);
  const wrong = numbers(expected).flatMap((value, i) => {
    const same = Object.is(found[i], value) || found[i] === value;
    return same || Math.abs(found[i]! - value) <= 1e-7 + 1e-3 * Math.abs(value)
      ? []
      : [{ i, value, found: found[i] }];
  });
  expect(wrong).toEqual([]);
}
