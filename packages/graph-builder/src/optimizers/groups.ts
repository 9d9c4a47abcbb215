/** Parameter groups: what differs from parameter to parameter, chosen by the parameters' paths. */
import type { OptimizerGroup } from "@onnx-diffusion/diffusion";
import { GraphError } from "../errors.js";
import type { Optimizer } from "./optimizer.js";

/** How a parameter is updated; parameters of one group share the object. */
export interface UpdateRule {
  readonly optimizer: Optimizer;
  readonly learningRateScale: number;
}

/**
 * The rule for each parameter that is trained, by its path; frozen ones are left out. The first group that matches
 * decides.
 * @throws GraphError for a group that matches nothing, wrong options, or where nothing is left to train.
 */
export function updateRules(
  paths: readonly string[],
  optimizer: Optimizer,
  groups: readonly OptimizerGroup[],
): Map<string, UpdateRule> {
  const all = [...groups, { match: "*" }].map((group) => ({
    matches: matcher(group.match),
    rule: group.frozen ? undefined : ruleOf(group, optimizer),
  }));
  for (const [i, { match }] of groups.entries()) {
    if (paths.some(all[i]!.matches)) continue;
    throw new GraphError(
      `parameter group "${match}": no parameter has such a path; the paths are like ${paths.slice(0, 3).join(", ")}`,
    );
  }
  const rules = new Map<string, UpdateRule>();
  for (const path of paths) {
    const { rule } = all.find(({ matches }) => matches(path))!;
    if (rule) rules.set(path, rule);
  }
  if (rules.size > 0) return rules;
  throw new GraphError("parameter groups: every parameter is frozen; leave at least one to train");
}

function ruleOf({ match, learningRateScale = 1, options }: OptimizerGroup, optimizer: Optimizer): UpdateRule {
  if (!(learningRateScale >= 0 && learningRateScale < Number.POSITIVE_INFINITY)) {
    throw new GraphError(
      `parameter group "${match}": learningRateScale is ${learningRateScale}, expected a number of 0 or more`,
    );
  }
  return { optimizer: options ? optimizer.with(options) : optimizer, learningRateScale };
}

function matcher(pattern: string): (path: string) => boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${escaped.join(".*")}$`);
  return (path) => expression.test(path);
}
