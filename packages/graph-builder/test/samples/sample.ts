import type { Tensor } from "../../src/index.js";

/** A use of operators. */
export interface Sample {
  /** Operators that the sample is there for. */
  readonly ops: readonly string[];
  readonly name: string;
  /** Shapes of the inputs; "n" is a named size, 2 when the sample runs. */
  readonly shapes: readonly (readonly (number | "n")[])[];
  /** Range of the inputs' values; by default -1..1. */
  readonly range?: readonly [number, number];
  /** Each input's values differ by at least this, so that no step of a numeric difference changes their order. */
  readonly apart?: boolean;
  /** ONNX Runtime has no float64 kernel on the CPU. */
  readonly single?: boolean;
  /** Quadratic at most in each direction: numeric differences are exact for any step. */
  readonly polynomial?: boolean;
  /** No gradient: only shape inference is checked. */
  readonly forward?: boolean;
  /** Why the gradient has no gradient of its own. */
  readonly once?: string;
  build(...inputs: Tensor[]): Tensor | readonly Tensor[];
}
