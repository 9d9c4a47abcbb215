/** Whether every node of a model's training graph runs on a device, as ONNX Runtime itself says. */

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "../device-names.js";
import type { Finding } from "./cuda.js";
import { type PlacedNodes, parsePlacement } from "./placement.js";

const PROVIDERS: Readonly<Record<Device, string>> = {
  cpu: "CPUExecutionProvider",
  cuda: "CUDAExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
};
/**
 * What ONNX Runtime computes shapes by. Devices keep shapes with the host, so that where nothing is copied these need not be
 * elsewhere.
 */
const OF_SHAPES = /^(Shape|Reshape|Concat|Slice|Squeeze|Unsqueeze|Gather|Cast|Add|Mul|Div|Identity) /;
/** Nodes and copies that are named. */
const NAMED = 5;

/** @returns the finding; not good where more than shapes is elsewhere, a copy was put in, or there is no session. */
export function nodesFinding(artifacts: string, device: Device): Finding {
  const folder = mkdtempSync(join(tmpdir(), "nodes-"));
  try {
    const path = join(folder, "log");
    // A file: of a pipe that its reader empties too slowly, ONNX Runtime's stream loses the rest.
    const log = openSync(path, "w");
    const { status, stdout } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL("./verbose-session.js", import.meta.url)), artifacts, device],
      { encoding: "utf8", stdio: ["ignore", "pipe", log] },
    );
    closeSync(log);
    const [said, text] = [stdout.trim(), readFileSync(path, "utf8")];
    if (status === 0)
      return placementFinding(`${said} of ${artifacts} on ${device}`, parsePlacement(text), device);
    const found = said || text.trim().split("\n").at(-1)!;
    return { good: false, subject: `${artifacts} on ${device}`, found };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a placement means for a device. @param subject what was placed. */
export function placementFinding(subject: string, placed: PlacedNodes, device: Device): Finding {
  const provider = PROVIDERS[device];
  const { placements, copies } = placed;
  const total = placements.reduce((sum, { count }) => sum + count, 0);
  const elsewhere = placements.filter((placement) => placement.provider !== provider);
  const shapes = elsewhere.flatMap(({ nodes }) => nodes);
  const isOfShapes = placements.length > elsewhere.length && shapes.every((node) => OF_SHAPES.test(node));
  if (isOfShapes && copies.length === 0) {
    const host = shapes.length > 0 ? ` but ${shapes.length} of shapes, which stay with the host` : "";
    return { good: true, subject, found: `all ${total} nodes on ${provider}${host}` };
  }
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
