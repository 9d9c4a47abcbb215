import type { NetworkFactory } from "../network.js";
import { conv } from "./conv.js";
import { unet } from "./unet.js";
import { unetCond } from "./unet-cond.js";

export { conv, unet, unetCond };

/** The networks that `graph-builder emit` knows by name. */
export const NETWORKS: readonly NetworkFactory[] = [conv, unet, unetCond];
