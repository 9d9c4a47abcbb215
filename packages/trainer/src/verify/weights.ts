/** Whether the graph's external data are the tensors of the weights' file, all of them numbers. */

import { join } from "node:path";
import {
  decodeSafetensors,
  fromHalf,
  type SafetensorsFile,
  type SafetensorsTensor,
  UserError,
} from "@onnx-diffusion/diffusion";
import { readBytes } from "../files.js";
import type { CheckedGraph } from "./graphs.js";

const TYPES: Readonly<Record<string, string>> = { float32: "F32", float16: "F16", int8: "I8" };

/**
 * Follows every initializer into its file.
 *
 * @returns the files by name.
 * @throws UserError naming the first tensor that lies elsewhere, is of another type or shape, or holds no number.
 */
export function checkWeights(folder: string, { model, path }: CheckedGraph): Map<string, SafetensorsFile> {
  const files = new Map<string, { file: SafetensorsFile; start: number }>();
  for (const { name, dtype, shape, data } of model.graph.initializers) {
    if (ArrayBuffer.isView(data)) {
      if (data instanceof Float32Array) checkNumbers(path, name, { dtype: "F32", shape, data });
      continue;
    }
    const where = join(folder, data.location);
    const opened = files.get(data.location) ?? open(where);
    files.set(data.location, opened);
    const tensor = [...opened.file.tensors].find(
      ([, { data: values }]) =>
        values.byteOffset - opened.start === data.offset && values.byteLength === data.length,
    );
    const found =
      tensor === undefined ? "no tensor" : `"${tensor[0]}" ${tensor[1].dtype} [${tensor[1].shape}]`;
    const stored = tensor?.[1];
    const fits =
      tensor !== undefined &&
      (name === tensor[0] || name.startsWith(`${tensor[0]}.`)) &&
      stored?.dtype === TYPES[dtype] &&
      `${stored?.shape}` === `${shape}`;
    if (!fits) {
      throw new UserError(
        `${path}: "${name}" ${dtype} [${shape}] is at byte ${data.offset} of ${where}, where there is ${found}; ` +
          "the two are not of one export",
      );
    }
  }
  for (const [location, { file }] of files) {
    for (const [name, tensor] of file.tensors) checkNumbers(join(folder, location), name, tensor);
  }
  return new Map([...files].map(([name, { file }]) => [name, file]));
}

function open(path: string) {
  // a copy with the file's first byte at 0: views then begin at their places in the file
  const bytes = new Uint8Array(readBytes(path));
  return { file: decodeSafetensors(bytes, path), start: bytes.byteOffset };
}

function checkNumbers(where: string, name: string, { dtype, data }: SafetensorsTensor): void {
  const isNumber = (value: number | bigint): boolean =>
    Number.isFinite(dtype === "F16" ? fromHalf(Number(value)) : Number(value));
  for (let i = 0; i < data.length; i++) {
    if (isNumber(data[i]!)) continue;
    throw new UserError(
      `${where}: value ${i} of "${name}" is not a finite number; export an earlier checkpoint`,
    );
  }
}
