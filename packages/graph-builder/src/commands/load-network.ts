import { existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import { createJiti } from "jiti";
import type { NetworkFactory } from "../network.js";
import { NETWORKS } from "../networks/index.js";

/**
 * A network by its name, or from a file of the user's.
 * @throws UserError for an unknown name, a missing file, or a file without a network.
 */
export async function loadNetwork(wanted: string): Promise<NetworkFactory> {
  const known = NETWORKS.find((n) => n.name === wanted);
  if (known) return known;
  if (!/\.[cm]?[jt]s$/.test(wanted)) {
    throw new UserError(
      `network "${wanted}" is not known; expected ${NETWORKS.map((n) => n.name).join(", ")}, or a file such as ./my-net.ts`,
      { usage: true },
    );
  }
  const file = path.resolve(wanted);
  if (!existsSync(file))
    throw new UserError(`network file ${wanted} does not exist; check the path`, { usage: true });
  const network = await importDefault(file, wanted);
  if (typeof network === "function" && "defaults" in network && "description" in network)
    return network as NetworkFactory;
  throw new UserError(
    `network file ${wanted}: its default export is no network; write \`export default defineNetwork({ ... })\``,
  );
}

async function importDefault(file: string, wanted: string): Promise<unknown> {
  // The file's import of this package must be this very copy, wherever the file lies.
  const self = new URL("../index.js", import.meta.url).pathname;
  const jiti = createJiti(import.meta.url, { alias: { "@onnx-diffusion/graph-builder": self } });
  try {
    return await jiti.import(file, { default: true });
  } catch (cause) {
    throw new UserError(
      `network file ${wanted} cannot be loaded: ${(cause as Error).message.split("\n")[0]}`,
      { cause },
    );
  }
}
