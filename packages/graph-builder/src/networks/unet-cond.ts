import { defineNetwork } from "../network.js";
import { classCondition, UNET_OPTIONS, type UnetOptions, unetForward } from "./unet.js";

/** The practical's class-conditional U-Net: one-hot class planes join before the first two up blocks. */
export const unetCond = defineNetwork({
  name: "unet-cond",
  description: "the 4-2-1 U-Net with class planes",
  options: { ...UNET_OPTIONS, classes: 10 } as UnetOptions & { classes: number },
  shape: ({ classes }) => ({ classes }),
  forward: (p, inputs, options) =>
    unetForward(p, inputs, options, { condition: classCondition(inputs.classLabels!, options.classes) }),
});
