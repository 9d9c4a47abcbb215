/** Keeps every model that a test hands to ONNX Runtime, in the folder $EMITTED_MODELS, for ONNX's checker. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { InferenceSession } from "onnxruntime-node";

const folder = process.env.EMITTED_MODELS!;
mkdirSync(folder, { recursive: true });
const create = InferenceSession.create as (...args: unknown[]) => Promise<InferenceSession>;
const keeping = (model: unknown, ...rest: unknown[]) => {
  if (model instanceof Uint8Array) {
    const name = createHash("sha256").update(model).digest("hex").slice(0, 16);
    writeFileSync(path.join(folder, `${name}.onnx`), model);
  }
  return create.call(InferenceSession, model, ...rest);
};
Object.assign(InferenceSession, { create: keeping });
