/** Writing equal computations once never changes a result. */
import fc from "fast-check";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { add, buildModel, type Model, mul, type Tensor, writeOnnx } from "../../src/index.js";
import { naiveModel } from "./naive.js";
import { operandsOf, programs, runProgram, six } from "./programs.js";

/** Without ONNX Runtime's own optimizer, which would join what is written twice. */
async function outputsOf(model: Model, values: readonly number[][]) {
  const session = await InferenceSession.create(writeOnnx(model), { graphOptimizationLevel: "disabled" });
  const feeds = model.graph.inputs.map(
    ({ name }, i) => [name, new OrtTensor("float32", Float32Array.from(values[i]!), [2, 3])] as const,
  );
  const results = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [name, { dims: t.dims, data: t.data }]),
  );
}

test("the same bits with each computation once and with each as often as it was asked for", async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.array(six, { minLength: 2, maxLength: 2 }), async (program, values) => {
      const [a, b] = operandsOf("float32");
      // Twice from the start, and once more on top of its own results.
      const [once, again] = [runProgram(program, a, b), runProgram(program, a, b)];
      const onTop = runProgram(program, once[0]!, mul(again[0]!, 0.5));
      const outputs: Record<string, Tensor> = {
        ...Object.fromEntries([...once, ...onTop].map((t, i) => [`y${i}`, t])),
        sum: add(once[0]!, again.at(-1)!),
      };
      const [model, naive] = [
        buildModel({ name: "m", inputs: [a, b], outputs }),
        naiveModel([a, b], outputs),
      ];
      const [merged, plain] = [await outputsOf(model, values), await outputsOf(naive, values)];
      expect(merged).toEqual(plain);
      // What is computed again takes no node of its own; loops are not compared.
      const joined = { ...outputs, sum: add(once[0]!, once.at(-1)!) };
      const expected = buildModel({ name: "m", inputs: [a, b], outputs: joined }).graph.nodes.length;
      if (!program.some(({ step }) => step === "loop")) expect(model.graph.nodes.length).toBe(expected);
    }),
    { numRuns: 40 },
  );
});
