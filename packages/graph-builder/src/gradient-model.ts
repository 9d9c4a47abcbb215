/** The gradient of a model that somebody else made. */
import { nearest } from "@onnx-diffusion/diffusion";
import { buildModel } from "./build.js";
import { formatShape, sizeOf } from "./dim.js";
import { isFloat } from "./dtype.js";
import { GraphError, quote } from "./errors.js";
import { gradients } from "./gradients.js";
import { importModel } from "./import.js";
import type { Model } from "./model.js";
import { reduceSum } from "./ops/reduce.js";
import { reshape } from "./ops/reshape.js";
import { dependents, type Tensor } from "./tensor.js";

/** Which gradient is wanted; values are named as in the file. */
export interface GradientModelOptions {
  /** The result: any floating-point value of the main graph that is one number. */
  readonly of: string;
  /** What to differentiate by: inputs, initializers, or values in between. */
  readonly wrt: readonly string[];
  /** Takes the sum of `of`, where it is more than one number. */
  readonly sum?: boolean;
}

/** What ONNX Runtime's training artifacts call the gradient by a value. */
export const gradientName = (name: string): string => `${name}_grad`;

/**
 * A model with the inputs and outputs of the given one, and for each `w` of `wrt` an output `<w>_grad` of the shape of
 * `w`. Names stay as they are; initializers stay constants, external ones where they lie. It is written for the
 * builder's own operator set, whatever the source's.
 * @throws GraphError for names that the model has not, values that are not floating point, a result of more than one
 * number, results that do not depend on a `w`, and operators on the way that cannot be differentiated.
 */
export function gradientModel(model: Model, { of, wrt, sum = false }: GradientModelOptions): Model {
  const { inputs, outputs, values } = importModel(model);
  // What the file's reader sees of it comes first.
  const seen = [...model.graph.outputs, ...model.graph.inputs].map(({ name }) => name);
  const result = oneNumber(of, find(values, of, seen), sum);
  const names = [...new Set(wrt)];
  const tensors = names.map((name) => {
    const tensor = find(values, name, seen);
    if (tensor === values.get(of))
      throw new GraphError(`the gradient of ${quote(of)} by itself is 1; name other values`);
    if (dependents([result], [tensor]).has(result)) return tensor;
    throw new GraphError(`${quote(of)} does not depend on ${quote(name)}; leave it out`);
  });
  const results = new Map(model.graph.outputs.map(({ name }) => [name, outputs[name]!]));
  gradients(result, tensors).forEach((gradient, i) => {
    const name = gradientName(names[i]!);
    if (results.has(name) || Object.hasOwn(inputs, name))
      throw new GraphError(
        `the model has an input or output ${quote(name)} already, the name of the gradient by ${quote(names[i]!)}; rename it there`,
      );
    results.set(name, gradient);
  });
  const stored = new Set(model.graph.initializers.map(({ name }) => name));
  return buildModel({
    name: model.graph.name,
    inputs: model.graph.inputs.flatMap(({ name }) => (stored.has(name) ? [] : [inputs[name]!])),
    outputs: results,
    metadata: model.metadata,
  });
}

function find(values: ReadonlyMap<string, Tensor>, name: string, first: readonly string[]): Tensor {
  const tensor = values.get(name);
  if (!tensor) {
    const near = nearest(name, [...values.keys()]);
    const some = [...new Set([...first, ...values.keys()])].slice(0, 10).map(quote).join(", ");
    throw new GraphError(
      `the model has no value ${quote(name)}; ${near === undefined ? `it has ${some}${values.size > 10 ? ` and ${values.size - 10} more` : ""}` : `did you mean ${quote(near)}?`}`,
    );
  }
  if (isFloat(tensor.dtype)) return tensor;
  throw new GraphError(
    `${quote(name)} is ${tensor.dtype} ${formatShape(tensor.shape)}; whole numbers have no derivative, so name a floating-point value`,
  );
}

function oneNumber(name: string, tensor: Tensor, sum: boolean): Tensor {
  if (sizeOf(tensor.shape) === 1) return reshape(tensor, []);
  if (sum) return reduceSum(tensor);
  throw new GraphError(
    `${quote(name)} is ${tensor.dtype} ${formatShape(tensor.shape)}, more than one number: take its sum (--sum), or name a value that is one number, such as a loss`,
  );
}
