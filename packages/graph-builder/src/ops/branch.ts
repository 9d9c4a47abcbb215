import { formatShape, sameShape } from "../dim.js";
import { applyAll, defineOp } from "../op.js";
import { isSubgraph, type Subgraph, type Tensor } from "../tensor.js";

const ifOp = defineOp("If", {
  since: 11,
  lazy: true,
  attributes: { then_branch: "graph", else_branch: "graph" },
  infer({ input, attributes, fail }) {
    const condition = input(0);
    if (condition.dtype !== "bool") fail(`the condition is ${condition.dtype}, expected bool; compare first`);
    const [a, b] = [attributes.then_branch, attributes.else_branch].map((branch) =>
      branch !== undefined && isSubgraph(branch) ? branch.outputs : fail("a branch is missing"),
    ) as [readonly Tensor[], readonly Tensor[]];
    if (a.length !== b.length)
      fail(`the branches have ${a.length} and ${b.length} results; give both as many`);
    a.forEach((x, i) => {
      const y = b[i]!;
      if (x.dtype !== y.dtype || !sameShape(x.shape, y.shape))
        fail(
          `result ${i} is ${x.dtype} ${formatShape(x.shape)} in one branch and ${y.dtype} ${formatShape(y.shape)} in the other; both must have one type`,
        );
    });
    return a.map(({ dtype, shape }) => ({ dtype, shape }));
  },
  vjp: "none",
});

/**
 * The results of one of two branches, of which only that one is computed; tensors from outside may be used in them. There
 * is no gradient: `where` has one. https://onnx.ai/onnx/operators/onnx__If.html
 * @param condition - bool scalar.
 * @throws GraphError where the branches' results differ in number, type or shape.
 */
export function branch(
  condition: Tensor,
  whenTrue: () => readonly Tensor[],
  whenFalse: () => readonly Tensor[],
): readonly Tensor[] {
  const graph = (outputs: readonly Tensor[]): Subgraph => ({ inputs: [], outputs });
  const [a, b] = [whenTrue(), whenFalse()];
  return applyAll(ifOp, [condition], { then_branch: graph(a), else_branch: graph(b) }, a.length);
}

export default [ifOp];
