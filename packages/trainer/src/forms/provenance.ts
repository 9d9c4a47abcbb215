import { createRequire } from "node:module";
import type { Manifest, TrainingRecord } from "@onnx-diffusion/diffusion";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** What made a file, as texts by name: the metadata of ONNX and of safetensors files. */
export function provenanceOf(
  { network, schedule }: Manifest,
  { data, dataDigest, steps, seed }: TrainingRecord,
  form: string,
): Record<string, string> {
  const { kind, T, betaStart, betaEnd } = schedule;
  return {
    producer: `onnx-diffusion ${version}`,
    network: network.name,
    network_options: JSON.stringify(network.options),
    schedule: `${kind}, T = ${T}, beta ${betaStart} to ${betaEnd}`,
    data,
    data_sha256: dataDigest,
    steps: `${steps}`,
    seed: `${seed}`,
    form,
  };
}
