/** A checkpoint as bytes: safetensors with the whole state, and in its metadata all that resuming needs. */

import { createHash } from "node:crypto";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Manifest,
  SAFETENSORS_DTYPE,
  UserError,
} from "@onnx-diffusion/diffusion";
import { type Configuration, configurationDigest } from "./configuration.js";
import { asStateArray, type State } from "./state.js";

/** Version of the metadata. */
const FORMAT = "onnx-diffusion checkpoint 1";

/** What a run needs to go on with the same numbers. */
export interface Checkpoint {
  /** Steps taken. */
  readonly step: number;
  /** Smoothed loss after that step. */
  readonly smoothed: number;
  readonly configuration: Configuration;
  readonly state: State;
}

/** A checkpoint whose tensors are not read yet. */
export interface DecodedCheckpoint extends Omit<Checkpoint, "state"> {
  /** @throws UserError where the tensors are not those of the manifest. */
  readState(manifest: Manifest): State;
}

/** The bytes of a checkpoint. */
export function encodeCheckpoint(manifest: Manifest, checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { step, smoothed, configuration, state } = checkpoint;
  const tensors = manifest.state.map((tensor) => ({
    name: tensor.name,
    dtype: SAFETENSORS_DTYPE[tensor.dtype],
    shape: tensor.shape,
    data: asStateArray(tensor, state.get(tensor.name), "checkpoint"),
  }));
  return encodeSafetensors(tensors, {
    format: FORMAT,
    step: String(step),
    seed: String(configuration.seed),
    smoothed_loss: String(smoothed),
    configuration: JSON.stringify(configuration),
    configuration_sha256: configurationDigest(configuration),
    tensors_sha256: digestOf(tensors.map(({ data }) => data)),
  });
}

/**
 * Reads a checkpoint and checks all of it.
 *
 * The state is left unread where the configuration names another model, so that a caller can say so.
 *
 * @param where the path, for messages.
 * @throws UserError if the file is damaged.
 */
export function decodeCheckpoint(bytes: Uint8Array, where: string): DecodedCheckpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, where);
  const format = metadata.get("format");
  if (format !== FORMAT) {
    throw new UserError(`${where}: the format is ${JSON.stringify(format)}, expected "${FORMAT}"`);
  }
  const found = digestOf([...tensors.values()].map(({ data }) => data));
  const expected = metadata.get("tensors_sha256");
  if (found !== expected) {
    throw new UserError(
      `${where}: the tensors' SHA-256 is ${found}, expected ${expected}; the file is damaged`,
    );
  }
  const configuration = parseConfiguration(metadata, where);
  const step = Number(metadata.get("step"));
  const smoothed = Number(metadata.get("smoothed_loss"));
  if (!Number.isInteger(step) || step < 1 || !Number.isFinite(smoothed)) {
    throw new UserError(`${where}: the step or the smoothed loss is no number; the file is damaged`);
  }
  return {
    step,
    smoothed,
    configuration,
    readState: (manifest) =>
      new Map(
        manifest.state.map((tensor) => {
          // A copy of its own: the runtime takes whole buffers, and the file's bytes may go.
          const data = asStateArray(tensor, tensors.get(tensor.name)?.data, where).slice();
          return [tensor.name, data];
        }),
      ),
  };
}

function parseConfiguration(metadata: ReadonlyMap<string, string>, where: string): Configuration {
  let configuration: Configuration;
  try {
    configuration = JSON.parse(metadata.get("configuration") ?? "") as Configuration;
    if (configurationDigest(configuration) === metadata.get("configuration_sha256")) return configuration;
  } catch {
    // told below
  }
  throw new UserError(`${where}: the configuration does not fit its SHA-256; the file is damaged`);
}

function digestOf(parts: readonly ArrayBufferView[]): string {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of parts) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}
