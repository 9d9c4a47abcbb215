/** `trainer bundle`: one folder with Node, the trainer, the runtime, a model and the data, for machines without a registry. */

import { chmodSync, copyFileSync, cpSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@onnx-diffusion/diffusion";
import { checkGraphs, readModelFolder } from "../artifacts.js";
import { copyPackages } from "../bundle/packages.js";
import { runtimeFolder } from "../devices.js";
import { makeFolder } from "../files.js";

export interface BundleOptions {
  readonly artifacts: string;
  readonly out: string;
  /** A folder with the files of a data set that the trainer does not bring with it. */
  readonly dataDir: string | undefined;
  /** A folder with the files of ONNX Runtime's CUDA provider. */
  readonly provider: string | undefined;
}

const LAUNCHER = `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec "$here/node" "$here/lib/trainer.mjs" "$@"
`;
const ENTRY = 'import "./node_modules/@onnx-diffusion/trainer/dist/cli.js";\n';

/** Makes the folder and says how to use it. @returns the exit code. */
export async function bundleCommand({ artifacts, out, dataDir, provider }: BundleOptions): Promise<number> {
  if (process.platform === "win32")
    throw new UserError("bundle: it is made for Linux and macOS; on Windows install the packages as usual");
  const model = readModelFolder(artifacts, "--artifacts");
  checkGraphs(model);
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new UserError(`--out ${out}: the folder is not empty; name a new one`, { usage: true });
  const providerFiles = provider === undefined ? [] : findProvider(provider);
  if (dataDir !== undefined && !existsSync(dataDir))
    throw new UserError(`--data-dir ${dataDir}: there is no such folder`, { usage: true });

  const lib = join(out, "lib");
  makeFolder(lib);
  copyFileSync(process.execPath, join(out, "node"));
  chmodSync(join(out, "node"), 0o755);
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const count = copyPackages(root, lib, isSuperfluous);
  writeFileSync(join(lib, "trainer.mjs"), ENTRY);
  writeFileSync(join(out, "trainer"), LAUNCHER, { mode: 0o755 });
  const binaries = join(
    lib,
    "node_modules/onnxruntime-node",
    relative(join(runtimeFolder(), "../../../.."), runtimeFolder()),
  );
  for (const file of providerFiles) copyFileSync(file, join(binaries, basename(file)));
  const models = join("models", basename(resolve(artifacts)));
  cpSync(artifacts, join(out, models), { recursive: true });
  if (dataDir !== undefined) cpSync(dataDir, join(out, "data"), { recursive: true });

  const data = dataDir === undefined ? "" : " --data-dir data";
  console.log(`${out}: Node, the trainer, ${count} packages, ${models}; ${megabytes(out)} MB`);
  console.log(
    `copy it anywhere with the same system, then: cd ${basename(out)} && ./trainer --artifacts ${models}${data}`,
  );
  return 0;
}

/** The provider's files in a folder. @throws UserError (usage) where there are none. */
function findProvider(folder: string): string[] {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^libonnxruntime_providers_(cuda|shared)\.so$/.test(name))
    : [];
  if (files.length === 2) return files.map((name) => join(folder, name));
  throw new UserError(
    `--provider ${folder}: found ${files.join(", ") || "none"} of libonnxruntime_providers_cuda.so and _shared.so; see docs/DEPENDENCIES.md, "CUDA"`,
    { usage: true },
  );
}

/** Sources and maps, and the runtime's binaries for other systems. */
function isSuperfluous(name: string, path: string): boolean {
  if (name.startsWith("@onnx-diffusion/")) return !/^(dist|package\.json)?($|\/)/.test(path);
  if (name !== "onnxruntime-node" || !path.startsWith("bin/")) return false;
  const [, , platform, arch] = path.split("/");
  return (
    (platform !== undefined && platform !== process.platform) || (arch !== undefined && arch !== process.arch)
  );
}

function megabytes(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  const bytes = files.reduce((sum, e) => sum + statSync(join(e.parentPath, e.name)).size, 0);
  return (bytes / 1e6).toFixed(0);
}
