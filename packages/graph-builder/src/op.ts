/**
 * An operator is one entry: its ONNX name and version, its attributes, shape inference and gradient rule side by
 * side. Everything else in the builder asks the entry and never the name.
 */
import { type Dim, formatShape, MOST_AXES, type Shape } from "./dim.js";
import { type DType, isFloat } from "./dtype.js";
import { GraphError } from "./errors.js";
import { currentScope } from "./scope.js";
import { type Attributes, type AttributeValue, type NodeSource, scalar, type Tensor } from "./tensor.js";

/** ONNX's types of attributes. */
export type AttributeType = "int" | "ints" | "float" | "floats" | "string" | "strings" | "tensor" | "graph";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** What shape inference and simplification see: the node before it exists. */
export interface Call {
  readonly op: OpEntry;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  /** Number of outputs asked for. */
  readonly outputs: number;
  /** Throws a GraphError that starts with the operator and its place. */
  fail(message: string): never;
  /** Input `i`, which must be there. */
  input(i: number): Tensor;
}

/** What a gradient rule sees. */
export interface Backward {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
  /** Gradient of the loss by the first output; fails where only others have one. */
  readonly grad: Tensor;
  /** Gradient by each output; undefined where the loss does not depend on it. */
  readonly grads: readonly (Tensor | undefined)[];
  input(i: number): Tensor;
  /** Whether the gradient by input i is asked for; a rule may give it all the same. */
  needs(i: number): boolean;
  /** Says that this case has no rule, with the way out. */
  fail(message: string): never;
}

export interface OpDefinition {
  /** The operator-set version in which the form written here appeared. */
  readonly since: number;
  readonly attributes?: Readonly<Record<string, AttributeType>>;
  /** Types of the outputs. */
  infer(call: Call): readonly TensorType[];
  /** Gradients by the inputs (undefined: none, as for an index), in the builder's own operators; or "none". */
  readonly vjp: "none" | ((back: Backward) => readonly (Tensor | undefined)[]);
  /** Acts on each element of its broadcast inputs: gradients are summed back to each input's shape. */
  readonly elementwise?: boolean;
  /** The values of an integer output as dimensions, where they follow from those of the inputs. */
  dims?(node: NodeSource, of: (input: number) => readonly Dim[] | undefined): readonly Dim[] | undefined;
  /** Not in the file: output i is another name for input i (`stopGradient`, `customVjp`). */
  readonly alias?: boolean;
  /** Output 0 is input 0 in another shape: runtimes give both the same memory. */
  readonly view?: boolean;
  /** Its bodies run only if they are chosen: what they alone need is computed in them. */
  readonly lazy?: boolean;
  /**
   * Floating-point operations of one run, a multiply-add being two; by default one for each element of what acts on
   * each element, and none for what moves data. `count` gives the number of elements of a shape.
   */
  flops?(node: NodeSource, count: (shape: Shape) => number): number;
  /** How many times the bodies inside run. */
  repeats?(node: NodeSource, count: (shape: Shape) => number): number;
  /** Attributes in the form written here, where older operator sets had another. Applied when files are read. */
  upgrade?(node: { inputs: number; outputs: number; attributes: Attributes }): Attributes;
  /** Attributes that are inputs now, with their positions: a file of an older operator set is read all the same. */
  readonly formerly?: Readonly<Record<string, number>>;
  /** ONNX's attributes that the builder has at this one value only, which is the one that it means when left out. */
  readonly fixed?: Readonly<Record<string, AttributeValue>>;
  /** The operator set up to which nodes of the same form meant something else. */
  readonly reads?: number;
  /** What a node in a file is read as; undefined where it is kept as it is. */
  read?(call: Call): readonly Tensor[] | undefined;
  /** An equal tensor that costs less, if there is one. Applied when nodes are made, not when files are read. */
  simplify?(call: Call): Tensor | undefined;
}

export interface OpEntry extends OpDefinition {
  readonly name: string;
}

/** Declares an operator of ONNX's standard domain. Files have it once `ops/registry.ts` lists it. */
/*#__NO_SIDE_EFFECTS__*/
export function defineOp(name: string, definition: OpDefinition): OpEntry {
  return { ...definition, name };
}

/** Declares how the nodes of an operator that exists in files alone are read. */
/*#__NO_SIDE_EFFECTS__*/
export function defineReading(
  name: string,
  definition: Pick<OpDefinition, "attributes" | "fixed" | "reads" | "formerly" | "view"> & {
    readonly since: number;
    read(call: Call): readonly Tensor[];
  },
): OpEntry {
  return { ...definition, name, infer: (call) => definition.read(call), vjp: "none" };
}

/** A tensor, or a number that becomes a scalar constant of the other operand's type. */
export type Operand = Tensor | number;

export function operands(...values: Operand[]): Tensor[] {
  const like = values.find((v): v is Tensor => typeof v !== "number");
  return values.map((v) => (typeof v === "number" ? scalar(v, like?.dtype ?? "float32") : v));
}

/** Applies an operator; returns its outputs. */
export function applyAll(
  op: OpEntry,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes = {},
  outputs = 1,
): readonly Tensor[] {
  const call = makeCall(op, inputs, attributes, outputs);
  const simpler = outputs === 1 ? op.simplify?.(call) : undefined;
  return simpler ? [simpler] : makeNode(call);
}

/** Applies an operator with one output. */
export function apply(
  op: OpEntry,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes = {},
): Tensor {
  return applyAll(op, inputs, attributes)[0]!;
}

export function makeCall(
  op: OpEntry,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes,
  outputs: number,
  scope = currentScope(),
): Call {
  const fail = (message: string): never => {
    throw new GraphError(`${op.name}${scope ? ` "${scope}"` : ""}: ${message}`);
  };
  return {
    op,
    inputs,
    attributes,
    outputs,
    fail,
    input: (i) => inputs[i] ?? fail(`input ${i} is missing; the operator needs it`),
  };
}

/** Makes the node as it stands, without simplification. */
export function makeNode(
  call: Call,
  scope = currentScope(),
  origin?: NodeSource["origin"],
): readonly Tensor[] {
  const types = call.op.infer(call);
  const outputs: Tensor[] = [];
  const source: NodeSource = {
    kind: "node",
    op: call.op,
    inputs: call.inputs,
    attributes: call.attributes,
    scope,
    ...(origin && { origin }),
    outputs,
  };
  types.forEach(({ dtype, shape }, index) => {
    checkShape(call, shape);
    outputs.push({ dtype, shape, source, index });
  });
  return outputs;
}

/** What no operator can make, whatever a file asks for. */
function checkShape(call: Call, shape: Shape): void {
  if (shape.length > MOST_AXES)
    call.fail(`the result has ${shape.length} axes, expected at most ${MOST_AXES}`);
  const wrong = shape.find((dim) => typeof dim === "number" && !(Number.isSafeInteger(dim) && dim >= 0));
  if (wrong !== undefined) call.fail(`the result has an axis of size ${wrong}: ${formatShape(shape)}`);
}

/** Fails unless both tensors have one element type. */
export function sameDType(call: Call, ...tensors: Tensor[]): DType {
  const dtype = tensors[0]!.dtype;
  const other = tensors.find((t) => t.dtype !== dtype);
  if (other) {
    call.fail(
      `the element types differ: ${tensors.map((t) => `${t.dtype} ${formatShape(t.shape)}`).join(" and ")}; convert one with cast()`,
    );
  }
  return dtype;
}

/** Fails unless the tensor holds floating-point numbers. */
export function needFloat(call: Call, tensor: Tensor): Tensor {
  return isFloat(tensor.dtype)
    ? tensor
    : call.fail(
        `the input is ${tensor.dtype} ${formatShape(tensor.shape)}, expected floating point; convert it with cast()`,
      );
}
