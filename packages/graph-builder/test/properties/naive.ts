/** A model with one node for each application of an operator, however often the same is computed. */
import type {
  Model,
  ModelAttribute,
  ModelGraph,
  ModelInitializer,
  ModelNode,
  Tensor,
} from "../../src/index.js";
import { isSubgraph, type Subgraph } from "../../src/tensor.js";

export function naiveModel(inputs: readonly Tensor[], outputs: Readonly<Record<string, Tensor>>): Model {
  const initializers: ModelInitializer[] = [];
  let count = 0;
  const fresh = () => `v${count++}`;

  function graphOf(
    from: readonly Tensor[],
    to: readonly (readonly [string, Tensor])[],
    outer: ReadonlyMap<Tensor, string>,
  ): ModelGraph {
    const known = new Map(outer);
    const nodes: ModelNode[] = [];
    const values = from.map((t) => {
      const name = t.source.kind === "input" && outer.size === 0 ? t.source.name : fresh();
      known.set(t, name);
      return { name, dtype: t.dtype, shape: t.shape };
    });
    const nameOf = (t: Tensor): string => {
      const found = known.get(t);
      if (found !== undefined) return found;
      const { source } = t;
      if (source.kind === "constant") {
        const name = fresh();
        initializers.push({ name, dtype: t.dtype, shape: t.shape as number[], data: source.data });
        known.set(t, name);
      } else if (source.kind === "input") throw new Error(`"${source.name}" is no input`);
      else if (source.op.alias) known.set(t, nameOf(source.inputs[t.index]!));
      else {
        const operands = source.inputs.map((operand) => (operand ? nameOf(operand) : ""));
        const attributes = Object.fromEntries(
          Object.entries(source.attributes).map(([key, value]): [string, ModelAttribute] => {
            const type = source.op.attributes![key]!;
            return [
              key,
              isSubgraph(value) ? { type, value: bodyOf(value, known) } : { type, value: value as number },
            ];
          }),
        );
        const results = source.outputs.map((output) => {
          const name = fresh();
          known.set(output, name);
          return name;
        });
        nodes.push({ name: fresh(), opType: source.op.name, inputs: operands, outputs: results, attributes });
      }
      return known.get(t)!;
    };
    for (const [name, t] of to)
      nodes.push({ name: fresh(), opType: "Identity", inputs: [nameOf(t)], outputs: [name], attributes: {} });
    return {
      name: fresh(),
      nodes,
      inputs: values,
      outputs: to.map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape })),
      initializers: [],
    };
  }

  const bodyOf = (body: Subgraph, outer: ReadonlyMap<Tensor, string>) =>
    graphOf(
      body.inputs,
      body.outputs.map((t) => [fresh(), t] as const),
      outer,
    );

  const graph = graphOf(inputs, Object.entries(outputs), new Map());
  return { graph: { ...graph, initializers }, opset: 21, metadata: {} };
}
