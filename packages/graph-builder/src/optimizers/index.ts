import { adam } from "./adam.js";
import { adamw } from "./adamw.js";
import type { OptimizerFactory } from "./optimizer.js";
import { sgd } from "./sgd.js";

export { clipByGlobalNorm } from "./clip.js";
export { movingAverage } from "./ema.js";
export type { UpdateRule } from "./groups.js";
export {
  defineOptimizer,
  type Optimizer,
  type OptimizerDefinition,
  type OptimizerFactory,
  type ParameterState,
  type UpdateParameter,
} from "./optimizer.js";
export { adam, adamw, sgd };

/** The optimizers that `graph-builder emit --optimizer` knows by name. */
export const OPTIMIZERS: readonly OptimizerFactory[] = [sgd, adam, adamw];
