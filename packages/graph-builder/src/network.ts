/** A network: what it takes, what can be chosen about it, and its forward pass. */
import type { Params } from "./params.js";
import type { Tensor } from "./tensor.js";

/** A value that `emit --option` can give. */
export type OptionValue = number | boolean | string | readonly number[];
/** What can be chosen about a network, by name. */
export type NetworkOptions = Readonly<Record<string, OptionValue>>;

/** What a diffusion network is given. */
export interface NetworkInputs {
  /** Noisy images [N,C,H,W], float32 in the image's range. */
  readonly sample: Tensor;
  /** [N] int32 in 1..T; for networks that declare `timestep`. */
  readonly timestep?: Tensor;
  /** [N] int32 in 0..classes-1; for networks that declare `classes`. */
  readonly classLabels?: Tensor;
}

/** What a network takes, as far as its options decide it. */
export interface NetworkShape {
  /** Default: 3 x 32 x 32. */
  readonly image?: { readonly channels: number; readonly height: number; readonly width: number };
  /** Number of classes; without it the network takes no labels. */
  readonly classes?: number;
  /** Whether the network is told the timestep. */
  readonly timestep?: boolean;
}

/** A network as its author writes it down. */
export interface NetworkDefinition<O extends NetworkOptions> {
  readonly name: string;
  /** One line for `graph-builder list`. */
  readonly description: string;
  /** What `emit --option key=value` can change, with the defaults. */
  readonly options: O;
  /** What the network takes with these options. */
  shape(options: O): NetworkShape;
  /** Predicts the noise in `sample`: [N,C,H,W]. */
  forward(p: Params, inputs: NetworkInputs, options: O): Tensor;
}

/** A network with its options chosen. */
export interface Network {
  readonly name: string;
  readonly options: NetworkOptions;
  readonly image: { readonly channels: number; readonly height: number; readonly width: number };
  readonly classes: number;
  readonly timestep: boolean;
  /** Predicts the noise in `sample`: [N,C,H,W]. */
  forward(p: Params, inputs: NetworkInputs): Tensor;
}

/** Makes a network with some options changed. What `defineNetwork` returns. */
export interface NetworkFactory {
  readonly name: string;
  readonly description: string;
  readonly defaults: NetworkOptions;
  /** @param options - what differs from `defaults`. */
  (options?: NetworkOptions): Network;
}

/**
 * Declares a network. A file with this as its default export can be given to `graph-builder emit`.
 * The result makes the network with some of its options changed: `unetCond({ channels: [8, 12, 16, 20] })`.
 */
/*#__NO_SIDE_EFFECTS__*/
export function defineNetwork<const O extends NetworkOptions>(
  definition: NetworkDefinition<O>,
): NetworkFactory {
  const make = (changed: NetworkOptions = {}): Network => {
    const options = { ...definition.options, ...changed } as O;
    const {
      image = { channels: 3, height: 32, width: 32 },
      classes = 0,
      timestep = false,
    } = definition.shape(options);
    return {
      name: definition.name,
      options,
      image,
      classes,
      timestep,
      forward: (p, inputs) => definition.forward(p, inputs, options),
    };
  };
  Object.defineProperty(make, "name", { value: definition.name });
  return Object.assign(make, { description: definition.description, defaults: definition.options });
}
