import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describeSchedule, type Manifest, type TrainingRecord } from "@onnx-diffusion/diffusion";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** What made a file, as texts by name: the metadata of ONNX and of safetensors files. */
export function provenanceOf(
  { network, schedule, guidance }: Manifest,
  { data, dataDigest, steps, seed }: TrainingRecord,
  form: string,
): Record<string, string> {
  return {
    producer: `onnx-diffusion ${version}`,
    network: network.name,
    network_options: JSON.stringify(network.options),
    schedule: describeSchedule(schedule),
    data,
    data_sha256: dataDigest,
    steps: `${steps}`,
    seed: `${seed}`,
    form,
    ...(guidance === undefined ? {} : { guidance: `${guidance}` }),
    ...(gitRevision() === undefined ? {} : { git_revision: gitRevision()! }),
  };
}

let revision: { readonly found: string | undefined } | undefined;

/** The commit of this code where it lies in a checkout, with "-dirty" if tracked files differ from it. */
function gitRevision(): string | undefined {
  revision ??= { found: askGit() };
  return revision.found;
}

function askGit(): string | undefined {
  const folder = dirname(fileURLToPath(import.meta.url));
  // an installed package: the commit around it is that of another project
  if (folder.split(sep).includes("node_modules")) return undefined;
  const words = ["-C", folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
  const { status, stdout } = spawnSync("git", words, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
