import { classEmbedding, linear, sinusoidalEmbedding } from "../layers/index.js";
import { defineNetwork } from "../network.js";
import { add, mul, reshape, silu, split } from "../ops/index.js";
import type { Params } from "../params.js";
import type { Tensor } from "../tensor.js";
import { classCondition, UNET_OPTIONS, type UnetOptions, unetForward } from "./unet.js";

/**
 * unet-cond that is told the timestep too. The practical leaves open how; here sines and cosines of t pass two linear
 * layers (Ho et al. 2020, appendix B), a vector of the class is added, and every block has its normalised channels scaled
 * and shifted by a linear function of the result (Dhariwal & Nichol 2021, section 3). The names are diffusers'.
 */
export const unetTime = defineNetwork({
  name: "unet-time",
  description: "the 4-2-1 U-Net with class planes and the timestep in every block",
  options: { ...UNET_OPTIONS, classes: 10, time: 256 } as UnetOptions & { classes: number; time: number },
  shape: ({ classes }) => ({ classes, timestep: true }),
  forward: (p, inputs, options) => {
    const { classes, time: features } = options;
    const time = timeEmbedding(p.at("time_embedding"), inputs.timestep!, features);
    const label = classEmbedding(p.at("class_embedding"), inputs.classLabels!, { classes, features });
    const known = silu(add(time, label));
    return unetForward(p, inputs, options, {
      condition: classCondition(inputs.classLabels!, classes),
      modulate: (block, x) => scaleAndShift(block.at("time_emb_proj"), x, known),
    });
  },
});

/** [N] -> [N, features] */
function timeEmbedding(p: Params, timestep: Tensor, features: number): Tensor {
  const waves = sinusoidalEmbedding(timestep, { features: features / 2 });
  const hidden = silu(linear(p.at("linear_1"), waves, { features }));
  return linear(p.at("linear_2"), hidden, { features });
}

/** x [N,C,H,W] -> x (1 + scale) + shift, one of each for every image and channel. */
const scaleAndShift = (p: Params, x: Tensor, known: Tensor): Tensor => {
  const channels = x.shape[1] as number;
  const both = linear(p, known, { features: 2 * channels });
  const [scale, shift] = split(both, [channels, channels], 1).map((t) =>
    reshape(t, [x.shape[0]!, channels, 1, 1]),
  ) as [Tensor, Tensor];
  return add(mul(x, add(scale, 1)), shift);
};
