import { batchNorm2d, conv2d } from "../layers/index.js";
import { defineNetwork } from "../network.js";
import { relu } from "../ops/index.js";

/** The practical's first network: two 3x3 convolutions. Its samples are meant to look terrible. */
export const convNet = defineNetwork({
  name: "conv",
  description: "two 3x3 convolutions, the practical's first step",
  options: { hidden: 64 } as { readonly [key: string]: number; readonly hidden: number },
  shape: () => ({}),
  forward(p, { sample }, { hidden }) {
    const x = conv2d(p.at("conv1.conv"), sample, { channels: hidden, kernel: 3, pad: 1 });
    const y = relu(batchNorm2d(p.at("conv1.bn"), x));
    return conv2d(p.at("conv2.conv"), y, { channels: sample.shape[1] as number, kernel: 3, pad: 1 });
  },
});
