/**
 * The parameter collector. Layers ask it for their parameters by PyTorch's paths; what it hands out (graph inputs,
 * initializers, values carried by a Loop) is the business of whoever builds the graph.
 */
import type { Initializer, StateTensor } from "@onnx-diffusion/diffusion";
import { formatShape, type Shape } from "./dim.js";
import { GraphError } from "./errors.js";
import type { Lowering } from "./lowering/lowering.js";
import { inScope } from "./scope.js";
import { input, type Tensor } from "./tensor.js";

/** Another arrangement of a parameter's elements, the one that the kernels want. */
export interface WeightLayout {
  /** From PyTorch's layout to that of the kernels. */
  toKernel(weight: Tensor): Tensor;
  /** Back to PyTorch's layout of the given shape. */
  fromKernel(kernel: Tensor, shape: readonly number[]): Tensor;
}

/** A parameter or buffer: its name, shape and first values, and the kernels' layout of it. */
export interface ParameterSpec extends StateTensor {
  readonly kind: "parameter" | "buffer";
  readonly layout?: WeightLayout | undefined;
}

/** Gives the tensor of a parameter or buffer. */
export type Provider = (spec: ParameterSpec) => Tensor;

/** For what a network is built, and what its parameters are. */
export interface CollectorOptions {
  /** Training: batch statistics, which update the running ones. Otherwise the running ones are used. */
  readonly training: boolean;
  readonly lowering: Lowering;
  /** Graph inputs of the parameter's name by default. */
  readonly provide?: Provider;
}

/** What one pass through a network asked for and left behind. */
export class Collector {
  readonly specs = new Map<string, ParameterSpec>();
  readonly tensors = new Map<string, Tensor>();
  /** New values of buffers, written by the forward pass in training. */
  readonly updates = new Map<string, Tensor>();

  constructor(readonly options: CollectorOptions) {}

  get root(): Params {
    return new Params(this, "");
  }

  /** Parameters first, then buffers, each in the order of their use: the order of a manifest's `state`. */
  ordered(): ParameterSpec[] {
    const all = [...this.specs.values()];
    return [...all.filter((s) => s.kind === "parameter"), ...all.filter((s) => s.kind === "buffer")];
  }
}

export const asInput: Provider = ({ name, dtype, shape }) => input(name, dtype, shape);

/** The collector at a path. */
export class Params {
  constructor(
    private readonly collector: Collector,
    readonly path: string,
  ) {}

  /** The collector one level down: `p.at("down1").at("conv")` and `p.at("down1.conv")` are the same. */
  at(name: string): Params {
    return new Params(this.collector, this.join(name));
  }

  get training(): boolean {
    return this.collector.options.training;
  }

  get lowering(): Lowering {
    return this.collector.options.lowering;
  }

  /** A trained float32 tensor. Asking again for the same path shares it. @throws GraphError for another shape. */
  parameter(name: string, shape: Shape, initializer: Initializer, layout?: WeightLayout): Tensor {
    return this.provide("parameter", name, shape, initializer, layout);
  }

  /** A float32 tensor that the forward pass maintains (running statistics). */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor {
    return this.provide("buffer", name, shape, initializer);
  }

  /** The buffer's value after this step. */
  update(name: string, value: Tensor): void {
    this.collector.updates.set(this.join(name), value);
  }

  /** Runs a layer's body under its path, so that its nodes and errors carry the name. */
  scope<T>(body: () => T): T {
    return inScope(this.path, body);
  }

  private provide(
    kind: "parameter" | "buffer",
    name: string,
    shape: Shape,
    initializer: Initializer,
    layout?: WeightLayout,
  ): Tensor {
    const path = this.join(name);
    const known = this.collector.specs.get(path);
    if (known) {
      if (formatShape(known.shape) !== formatShape(shape)) {
        throw new GraphError(
          `parameter "${path}": used with the shapes ${formatShape(known.shape)} and ${formatShape(shape)}; give the second layer a path of its own`,
        );
      }
      return this.collector.tensors.get(path)!;
    }
    if (!shape.every((dim) => typeof dim === "number")) {
      throw new GraphError(
        `parameter "${path}": the shape ${formatShape(shape)} depends on a size known only when the graph runs; give it in numbers`,
      );
    }
    const spec: ParameterSpec = {
      name: path,
      kind,
      dtype: "float32",
      shape: shape as number[],
      initializer,
      layout,
    };
    const tensor = (this.collector.options.provide ?? asInput)(spec);
    this.collector.specs.set(path, spec);
    this.collector.tensors.set(path, tensor);
    return tensor;
  }

  private join(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}
