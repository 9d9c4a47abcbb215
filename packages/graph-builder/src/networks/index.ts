import type { NetworkFactory } from "../network.js";
import { convNet } from "./conv.js";
import { unet } from "./unet.js";
import { unetCond } from "./unet-cond.js";
import { unetTime } from "./unet-time.js";

export { convNet, unet, unetCond, unetTime };

/** The networks that `graph-builder emit` knows by name. */
export const NETWORKS: readonly NetworkFactory[] = [convNet, unet, unetCond, unetTime];
