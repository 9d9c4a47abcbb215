/** Recomputing a part of a network in the backward pass instead of keeping what it computed (Chen et al. 2016). */
import { isFloat } from "./dtype.js";
import { cast } from "./ops/cast.js";
import { greater, where } from "./ops/compare.js";
import { concat } from "./ops/concat.js";
import { customVjp } from "./ops/custom.js";
import { reduceSum } from "./ops/reduce.js";
import { reshape } from "./ops/reshape.js";
import { slice } from "./ops/slice.js";
import { transpose, transposed } from "./ops/transpose.js";
import { sweep } from "./reverse.js";
import { substitute } from "./substitute.js";
import { dependencies, dependents, type NodeSource, type Tensor } from "./tensor.js";

/**
 * `fn` with its gradient computed from its arguments: what it computes on the way is freed after the forward pass and
 * computed once more, bit for bit, when the gradient by its results is there. What `fn` takes from outside (parameters,
 * other tensors) stays in memory and gets its gradient. Running statistics are updated once, as `fn` is called once.
 *
 * ```ts
 * const y = checkpoint((x: Tensor) => relu(batchNorm2d(p.at("bn"), conv2d(p.at("conv"), x, options))))(x);
 * ```
 */
export function checkpoint<A extends readonly Tensor[], R extends Tensor | readonly Tensor[]>(
  fn: (...tensors: A) => R,
): (...tensors: A) => R {
  return (...tensors) => {
    const starts = tensors.map(rename);
    const result = fn(...(starts.map((s) => s.whole) as unknown as A));
    const results = (Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor]).map(peel);
    const named = recomputing(
      results.map((r) => r.core),
      starts.map((s) => s.core),
    );
    const whole = results.map((r, i) => r.restore(named[i]!));
    return (Array.isArray(result) ? whole : whole[0]) as R;
  };
}

/** Other names for a block's results, with a gradient rule that recomputes it. `starts`: its arguments, its alone. */
function recomputing(results: readonly Tensor[], starts: readonly Tensor[]): readonly Tensor[] {
  const block = dependents(results, starts);
  const ends = new Set(starts);
  const used = [...block].flatMap((t) => (ends.has(t) ? [] : dependencies(t))).concat(results);
  const outside = [...new Set(used)].filter((t) => !block.has(t) && t.source.kind !== "constant");
  const wrt = [...starts, ...outside].filter((t) => isFloat(t.dtype));
  const scope = (node: NodeSource) =>
    node.outputs.some((t) => block.has(t)) ? [node.scope, "again"].filter(Boolean).join(".") : node.scope;
  const rule = (...grads: readonly (Tensor | undefined)[]) => {
    const seeds = grads.map((g) => g && rename(g));
    const seedsThere = seeds.flatMap((s) => s?.core ?? []);
    const inBlock = { outputs: results, seeds: seeds.map((s) => s?.whole), wrt, partial: true };
    const kept = sweep({ caller: "gradients", ...inBlock }).gradients;
    const reached = wrt.filter((_, i) => kept[i]);
    const again = new Map(starts.map((s) => [s, after(seedsThere, s)]));
    const recomputed = substitute(
      kept.flatMap((g) => g ?? []),
      again,
      { keep: seedsThere, scope },
    );
    const byTensor = new Map(reached.map((t, i) => [t, recomputed[i]!]));
    // The block before this one must not begin while gradients by parameters still keep this one's values in memory.
    const byOutside = reached.filter((t) => !ends.has(t)).map((t) => byTensor.get(t)!);
    return wrt.map((t) => {
      const gradient = byTensor.get(t);
      return gradient && ends.has(t) ? after(byOutside, gradient) : gradient;
    });
  };
  return customVjp(results, wrt, rule, "checkpoint");
}

/**
 * The same bits as `x`, but not before the others are computed: a choice between x and x by something that they decide.
 * Neither the builder nor ONNX Runtime can tell that it is x, so what is computed from it is not taken for what was
 * computed from x, and cannot run earlier.
 */
function after(others: readonly Tensor[], x: Tensor): Tensor {
  if (others.length === 0) return x;
  const firsts = others.map((t) => {
    const ones = t.shape.map(() => 1);
    const first = ones.length === 0 ? t : slice(t, { starts: ones.map(() => 0), ends: ones });
    return cast(reshape(first, [1]), "float32");
  });
  const decided = greater(reduceSum(concat(firsts, 0)), 0);
  return customVjp([where(decided, x, x)], [x], (g) => [g])[0]!;
}

/**
 * Another name for a tensor, an end that no simplification sees through. A layout stays outside of it, so that it can
 * still cancel with its opposite on the other side.
 */
function rename(t: Tensor): { readonly core: Tensor; readonly whole: Tensor } {
  const { core, restore } = peel(t);
  const name = customVjp([core], [core], (g) => [g])[0]!;
  return { core: name, whole: restore(name) };
}

function peel(t: Tensor): { readonly core: Tensor; restore(core: Tensor): Tensor } {
  const under = transposed(t);
  return under
    ? { core: under.x, restore: (core) => transpose(core, under.perm) }
    : { core: t, restore: (core) => core };
}
