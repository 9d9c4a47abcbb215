/** docs/OPERATORS.md: what the builder's table of operators and ONNX's operator tests say. */
import { isFloat } from "../../src/dtype.js";
import { GraphError } from "../../src/errors.js";
import { gradients } from "../../src/gradients.js";
import type { OpEntry } from "../../src/op.js";
import { OPS, READINGS } from "../../src/ops/registry.js";
import { dependents, input, type Tensor, topological } from "../../src/tensor.js";
import { SAMPLES, type Sample } from "../samples.js";
import { type NodeTest, nodeTests } from "./archive.js";
import { hasOperators, missingOperators, missingTypes, operatorsOf, readCase } from "./case.js";
import { NAN_GRADIENT, NO_DERIVATIVE, NO_RULE, NOT_RUN, REFUSED } from "./exceptions.js";
import { hasGradient } from "./gradient.js";

export function operatorsDoc(): string {
  const tests = nodeTests();
  const covered = tests.filter(isCovered);
  const differentiated = covered.filter(isDifferentiated);
  const found = gradientsOf([
    ...SAMPLES.map(sampleOutputs),
    ...covered.map((t) => Object.values(readCase(t).imported.outputs)),
  ]);
  const rows = [...OPS.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((op) =>
      row(
        op,
        found,
        tests.filter((t) => operatorsOf(t).includes(op.name)),
      ),
    );
  return `# Operators

Made by \`npx -y pnpm@12 operators-doc\` from graph-builder's table of operators and its tests, which fail where this
file is out of date.

The builder has ${OPS.size} operators of ONNX's standard domain, and reads the nodes of ${READINGS.size} more as these:
${[...READINGS.keys()].sort().join(", ")}. Of ONNX's own operator tests (${tests.length} in
\`packages/graph-builder/test/fixtures/onnx-node-tests\`), **${covered.length} are covered**: the file is read, its
outputs' types and shapes are inferred as declared, it is written again at the builder's own operator set, and ONNX
Runtime's results for it are the expected ones within the tolerances of ONNX's runner. For ${differentiated.length} of
these the gradient is that of numeric differences; the others take or give no floating-point numbers, or hold an
operator without a gradient.

- *since*: the operator set in which the form that the builder writes appeared.
- *gradient*: "zero" is that of steps, comparisons and indices; "none" stops with an error. *twice*: the gradient has a
  gradient itself. Both are checked by numeric differences on the samples of \`test/ops.test.ts\`.
- *tests*: how many of ONNX's tests whose model uses the operator are covered.

| operator | since | gradient | twice | tests | refused |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

## Not covered

${list(
  tests.filter((t) => !isCovered(t)),
  reason,
)}

## Gradients beside the data

At the data of these tests there is no derivative, so it is taken a tenth beside it.

${list(
  covered.filter((t) => NO_DERIVATIVE[t.name]),
  (t) => NO_DERIVATIVE[t.name]!,
)}

## Covered

${names(covered)}
`;
}

const isCovered = (t: NodeTest): boolean => hasOperators(t) && !REFUSED[t.name] && !NOT_RUN[t.name];

const isDifferentiated = (t: NodeTest): boolean =>
  !NO_RULE[t.name] && !NAN_GRADIENT[t.name] && hasGradient(t, readCase(t));

function row(
  op: OpEntry,
  { once, twice }: ReturnType<typeof gradientsOf>,
  tests: readonly NodeTest[],
): string {
  const gradient = op.vjp === "none" ? "none" : once.has(op) ? "yes" : "zero";
  const refused = Object.values({ ...REFUSED, ...NO_RULE }).flatMap(([operator, message]) =>
    operator === op.name ? [message] : [],
  );
  const link = `[${op.name}](https://onnx.ai/onnx/operators/onnx__${op.name}.html)`;
  const count = `${tests.filter(isCovered).length} of ${tests.length}`;
  return `| ${link} | ${op.since} | ${gradient} | ${twice.has(op) ? "yes" : ""} | ${count} | ${[...new Set(refused)].join("; ")} |`;
}

/** Which operators hand gradients to their inputs, and whether those have gradients again: once, twice. */
function gradientsOf(graphs: readonly (readonly Tensor[])[]): { once: Set<OpEntry>; twice: Set<OpEntry> } {
  const [once, twice] = [new Set<OpEntry>(), new Set<OpEntry>()];
  for (const { dtype, shape, source, index } of graphs.flatMap((outputs) => topological(outputs))) {
    if (source.kind !== "node" || source.op.vjp === "none" || !isFloat(dtype) || twice.has(source.op))
      continue;
    const seed = input("seed", dtype, shape);
    const wrt = source.inputs.filter((t) => t !== undefined && isFloat(t.dtype)) as Tensor[];
    const grads = settle(() => gradients(source.outputs[index]!, wrt, { seed, unused: "zero" })) ?? [];
    const used = grads.filter((g) => dependents([g], [seed]).size > 0);
    if (used.length > 0) once.add(source.op);
    const again = settle(() => used.map((g) => gradients(g, [...wrt, seed], { seed: g, unused: "zero" })));
    if (used.length > 0 && again) twice.add(source.op);
  }
  return { once, twice };
}

/** The result, or undefined where a rule refuses. */
function settle<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

const sampleOutputs = ({ shapes, build }: Sample): readonly Tensor[] =>
  [build(...shapes.map((shape, i) => input(`x${i}`, "float32", shape)))].flat() as Tensor[];

/** Why a test is not covered. */
function reason(t: NodeTest): string {
  const [operators, types] = [missingOperators(t), missingTypes(t)];
  if (operators.length > 0) return `operators that the builder lacks: ${operators.join(", ")}`;
  if (types.length > 0) return `types that the builder lacks: ${types.join(", ")}`;
  const refusal = REFUSED[t.name];
  return refusal ? `refused: ${refusal.join(": ")}` : `ONNX Runtime: ${NOT_RUN[t.name]}`;
}

function list(tests: readonly NodeTest[], by: (t: NodeTest) => string): string {
  const groups = new Map<string, NodeTest[]>();
  for (const t of tests) groups.set(by(t), [...(groups.get(by(t)) ?? []), t]);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => `- ${key} (${group.length}): ${names(group)}`)
    .join("\n");
}

const names = (tests: readonly NodeTest[]): string =>
  tests
    .map((t) => t.name.replace(/^test_/, ""))
    .sort()
    .join(", ");
