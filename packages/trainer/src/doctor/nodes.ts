/** Whether every node of a model's training graph runs on a device, as ONNX Runtime itself says. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Device } from "../device-names.js";
import type { Finding } from "./cuda.js";
import { type PlacedNodes, parsePlacement } from "./placement.js";

const PROVIDERS: Readonly<Record<Device, string>> = {
  cpu: "CPUExecutionProvider",
  cuda: "CUDAExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
};
/** Nodes and copies that are named. */
const NAMED = 5;
/** Of a log that lists some thousand nodes. */
const LONGEST_LOG = 2 ** 28;

/** @returns the finding; not good where a node is elsewhere, a copy was put in, or there is no session. */
export function nodesFinding(artifacts: string, device: Device): Finding {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL("./verbose-session.js", import.meta.url)), artifacts, device],
    { encoding: "utf8", maxBuffer: LONGEST_LOG },
  );
  const said = stdout.trim();
  if (status !== 0) {
    const found = said || stderr.trim().split("\n").at(-1)!;
    return { good: false, subject: `${artifacts} on ${device}`, found };
  }
  return placementFinding(`${said} of ${artifacts} on ${device}`, parsePlacement(stderr), device);
}

/** What a placement means for a device. @param subject what was placed. */
export function placementFinding(subject: string, placed: PlacedNodes, device: Device): Finding {
  const provider = PROVIDERS[device];
  const { placements, copies } = placed;
  const total = placements.reduce((sum, { count }) => sum + count, 0);
  const elsewhere = placements.filter((placement) => placement.provider !== provider);
  if (elsewhere.length === 0 && copies.length === 0)
    return { good: true, subject, found: `all ${total} nodes on ${provider}` };
  const some = (names: readonly string[]) =>
    [...names.slice(0, NAMED), ...(names.length > NAMED ? ["..."] : [])].join(", ");
  const parts = elsewhere.map(
    ({ provider, count, nodes }) => `${count} of ${total} nodes on ${provider}: ${some(nodes)}`,
  );
  if (copies.length > 0) parts.push(`${copies.length} copies: ${some(copies)}`);
  const target = device === "cpu" ? "" : ` with --target ${device}`;
  return {
    ...{ good: false, subject, found: parts.join("; ") },
    remedy: `emit the folder again${target}, or report the operators`,
  };
}
