/** What a model must be before its handles are made. */
import { formatShape } from "./dim.js";
import { GraphError, quote } from "./errors.js";
import { placeOf } from "./import-order.js";
import type { Model, ModelGraph, ModelNode } from "./model.js";
import type { OpEntry } from "./op.js";
import { OPS, READINGS } from "./ops/registry.js";
import type { Tensor } from "./tensor.js";

/** From here on operators of the same name, attributes and inputs mean the same, but for `reads` of an entry. */
const STABLE_OPSET = 13;
/** The newest operator set whose operators were compared with the entries here. */
const NEWEST_OPSET = 28;
const REMEDY = "convert it with onnx.version_converter.convert_version(model, 21)";

/** @throws GraphError for an operator set that is not known. */
export function checkOpset(opset: number): void {
  if (opset >= 1 && opset <= NEWEST_OPSET) return;
  throw new GraphError(
    `the model is of operator set ${opset}, expected one up to ${NEWEST_OPSET}, best 13 or newer; ${REMEDY}`,
  );
}

/** @throws GraphError where the operator had another form in the model's operator set than the builder's. */
export function checkForm(op: OpEntry, opset: number, where: string): void {
  const oldest = opset < STABLE_OPSET ? op.since : (op.reads ?? 0) + 1;
  if (oldest <= opset) return;
  throw new GraphError(
    `${where}: the model is of operator set ${opset}, where ${op.name} may mean something else than in ${oldest}, which is read here; ${REMEDY}`,
  );
}

/** An operator as the builder has it, or none: those of other domains never are. */
export function operatorOf({ domain, opType }: ModelNode): OpEntry | undefined {
  return domain === undefined ? (OPS.get(opType) ?? READINGS.get(opType)) : undefined;
}

/** @throws GraphError that names every operator that the builder has not, with its nodes. */
export function checkOperators(graph: ModelGraph): void {
  const unknown = new Map<string, string[]>();
  const collect = ({ nodes }: ModelGraph): void => {
    for (const node of nodes) {
      for (const { type, value } of Object.values(node.attributes))
        if (type === "graph") collect(value as ModelGraph);
      if (operatorOf(node)) continue;
      const name = node.domain === undefined ? node.opType : `${node.domain}.${node.opType}`;
      const places = unknown.get(name) ?? [];
      unknown.set(name, places);
      if (places.length < 4) places.push(placeOf(node));
    }
  };
  collect(graph);
  if (unknown.size === 0) return;
  const list = [...unknown].slice(0, 10).map(([name, places]) => {
    const more = places.length > 3 ? ` and others` : "";
    return `${quote(name).slice(1, -1)} (${places.slice(0, 3).join(", ")}${more})`;
  });
  if (unknown.size > list.length) list.push(`${unknown.size - list.length} more`);
  throw new GraphError(
    `operators that are not supported: ${list.join(", ")}; write the model with supported ones (docs/OPERATORS.md)`,
  );
}

/** @throws GraphError where a given tensor cannot stand for the input of its name. */
export function checkGiven({ graph }: Model, given: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(given)) {
    const wanted = graph.inputs.find((i) => i.name === name);
    if (!wanted) {
      const names = graph.inputs.map((i) => quote(i.name)).join(", ");
      throw new GraphError(
        `importModel: ${quote(name)} is given, but the model's inputs are ${names}; check the name`,
      );
    }
    const fits =
      tensor.dtype === wanted.dtype &&
      tensor.shape.length === wanted.shape.length &&
      tensor.shape.every((dim, i) => {
        const expected = wanted.shape[i];
        return typeof dim === "string" || typeof expected === "string" || dim === expected;
      });
    if (!fits) {
      throw new GraphError(
        `importModel: input ${quote(name)} is given ${tensor.dtype} ${formatShape(tensor.shape)}, the model expects ${wanted.dtype} ${formatShape(wanted.shape)}; convert it with cast() or reshape()`,
      );
    }
  }
}
