import { formatShape } from "../dim.js";
import { GraphError } from "../errors.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { kaimingUniform } from "./kaiming-uniform.js";

/** As of torch.nn.Conv2d, with square kernels. */
export interface Conv2dOptions {
  /** Number of output channels. */
  readonly channels: number;
  /** Size of the square kernel. */
  readonly kernel: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly bias?: boolean;
}

/** The number of channels of an image [N,C,H,W]. @throws GraphError where x is no image or C is not known. */
export function channelsOf(x: Tensor, layer: string): number {
  const channels = x.shape[1];
  if (x.shape.length === 4 && typeof channels === "number") return channels;
  throw new GraphError(
    `${layer}: the input is ${formatShape(x.shape)}, expected [N, C, H, W] with a known C; reshape() it`,
  );
}

/**
 * Convolution of [N,C,H,W], as torch.nn.LazyConv2d: the input channels are read from `x`.
 * Parameters: `weight` [channels, C, kernel, kernel] and `bias` [channels].
 */
export function conv2d(
  p: Params,
  x: Tensor,
  { channels, kernel, stride = 1, pad = 0, bias = true }: Conv2dOptions,
): Tensor {
  return p.scope(() => {
    const c = channelsOf(x, `conv2d "${p.path}"`);
    const initial = kaimingUniform(c * kernel * kernel);
    const geometry = { kernel: [kernel, kernel], stride, pad } as const;
    const shape = [channels, c, kernel, kernel];
    const layout = p.lowering.weightLayout?.("large", x.shape, shape, geometry);
    const weight = p.parameter("weight", shape, initial, layout);
    const b = bias ? p.parameter("bias", [channels], initial) : undefined;
    return p.lowering.conv2d(x, weight, b, geometry);
  });
}

/**
 * Transposed convolution of [N,C,H,W], as torch.nn.LazyConvTranspose2d.
 * Parameters: `weight` [C, channels, kernel, kernel] and `bias` [channels].
 */
export function convTranspose2d(
  p: Params,
  x: Tensor,
  { channels, kernel, stride = 1, pad = 0, bias = true }: Conv2dOptions,
): Tensor {
  return p.scope(() => {
    const c = channelsOf(x, `convTranspose2d "${p.path}"`);
    // PyTorch takes the second axis for the fan-in, also where it is the output's.
    const initial = kaimingUniform(channels * kernel * kernel);
    const geometry = { kernel: [kernel, kernel], stride, pad } as const;
    const shape = [c, channels, kernel, kernel];
    const layout = p.lowering.weightLayout?.("small", x.shape, shape, geometry);
    const weight = p.parameter("weight", shape, initial, layout);
    const b = bias ? p.parameter("bias", [channels], initial) : undefined;
    return p.lowering.convTranspose2d(x, weight, b, geometry);
  });
}
