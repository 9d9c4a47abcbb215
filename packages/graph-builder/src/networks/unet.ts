import { batchNorm2d, classPlanes, conv2d, convTranspose2d } from "../layers/index.js";
import { defineNetwork, type NetworkInputs } from "../network.js";
import { concat, relu } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";

/** The practical's sizes. */
export const UNET_OPTIONS: UnetOptions = {
  channels: [72, 96, 128, 196],
  bottleneck: 256,
  up: [256, 196, 128, 96],
};

export interface UnetOptions {
  readonly [key: string]: number | readonly number[];
  /** Channels of the blocks on the way down, each halving the image. */
  readonly channels: readonly number[];
  readonly bottleneck: number;
  /** Channels of the blocks on the way up. */
  readonly up: readonly number[];
}

const BLOCK = { kernel: 4, stride: 2, pad: 1, bias: false };

/** What a network adds to the plain U-Net. */
export interface UnetConditions {
  /** Further planes for the input of up block `level` (0: the smallest), whose image is `like`. */
  condition?(level: number, like: Tensor): readonly Tensor[];
  /** Changes the normalised channels of a block before its ReLU. */
  modulate?(block: Params, x: Tensor): Tensor;
}

/**
 * The 4-2-1 U-Net: blocks that halve the image, a bottleneck, blocks that double it, each given the output of the
 * opposite block as well; the input joins before the last 1x1 convolution. A block is a (transposed) convolution
 * 4-2-1, batch norm, ReLU.
 */
export function unetForward(
  p: Params,
  { sample }: NetworkInputs,
  { channels, bottleneck, up }: UnetOptions,
  { condition = () => [], modulate = (_, x) => x }: UnetConditions = {},
): Tensor {
  const block = (q: Params, convolved: Tensor) => relu(modulate(q, batchNorm2d(q.at("bn"), convolved)));
  const skips: Tensor[] = [];
  let x = sample;
  channels.forEach((c, i) => {
    const down = p.at(`down${i + 1}`);
    x = block(down, conv2d(down.at("conv"), x, { ...BLOCK, channels: c }));
    skips.push(x);
  });
  x = conv2d(p.at("bottleneck.conv"), x, { channels: bottleneck, kernel: 3, pad: 1, bias: false });
  up.forEach((c, i) => {
    const q = p.at(`up${i + 1}`);
    const skip = skips.pop()!;
    const joined = concat([x, skip, ...condition(i, skip)], 1);
    x = block(q, convTranspose2d(q.at("conv"), joined, { ...BLOCK, channels: c }));
  });
  return conv2d(p.at("out.conv"), concat([x, sample], 1), { channels: sample.shape[1] as number, kernel: 1 });
}

/** The practical's unconditional U-Net. */
export const unet = defineNetwork({
  name: "unet",
  description: "the 4-2-1 U-Net, unconditional",
  options: UNET_OPTIONS,
  shape: () => ({}),
  forward: (p, inputs, options) => unetForward(p, inputs, options),
});

/** Planes for the first two up blocks: each class a plane of ones or zeros. */
export const classCondition =
  (labels: Tensor, classes: number) =>
  (level: number, like: Tensor): readonly Tensor[] =>
    level < 2 ? [classPlanes(labels, classes, [like.shape[2]!, like.shape[3]!])] : [];
