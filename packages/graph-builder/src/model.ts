/** A graph as a file has it: names instead of handles. It knows neither the handles nor the file format. */
import type { Dim } from "./dim.js";
import type { DType, TypedArray } from "./dtype.js";
import type { AttributeType } from "./op.js";
import type { ExternalData } from "./tensor.js";

/** An input or output of a graph: its name and type. */
export interface ModelValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A constant of a graph, or the place of its bytes in another file. */
export interface ModelInitializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray | ExternalData;
}

/** A node's attribute with ONNX's name for its type. */
export interface ModelAttribute {
  readonly type: AttributeType;
  readonly value: number | string | readonly number[] | readonly string[] | ModelInitializer | ModelGraph;
}

/** An application of an operator to named values. */
export interface ModelNode {
  readonly name: string;
  /** The operator's domain, where it is not ONNX's own. */
  readonly domain?: string;
  readonly opType: string;
  /** "" stands for an optional input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, ModelAttribute>>;
}

/** A graph's nodes in an order in which they can run, with what goes in and comes out. */
export interface ModelGraph {
  readonly name: string;
  readonly nodes: readonly ModelNode[];
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  readonly initializers: readonly ModelInitializer[];
}

/** An ONNX file without its bytes: `writeOnnx` and `readOnnx` are between the two. */
export interface Model {
  readonly graph: ModelGraph;
  readonly opset: number;
  /** Versions of the operator sets of other domains. */
  readonly imports?: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Operator-set version of what the builder writes: every ONNX Runtime provider has kernels up to it. */
export const OPSET = 21;
