/** The models that the demo page draws with: the trained ones, with guidance inside. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseManifest } from "@onnx-diffusion/diffusion";
import { runTrainer } from "@onnx-diffusion/trainer";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CACHE = path.join(ROOT, "node_modules/.cache/page-models");

/** By unet-cond's figures in docs/RESULTS.md: half of its digits are right without, nearly all with it. */
const GUIDANCE = "2";

/**
 * The folder to serve a model from: models/NAME/trained as it is, or where its classes have no guidance yet, a copy that has.
 * The copy is kept, and made anew when the model changes.
 *
 * @throws Error if the copy cannot be made.
 */
export async function pageModel(name) {
  const trained = path.join(ROOT, "models", name, "trained");
  const file = path.join(trained, "manifest.json");
  if (!existsSync(file)) return trained;
  const text = readFileSync(file, "utf8");
  const { classes, guidance } = parseManifest(text, file);
  if (classes === 0 || guidance !== undefined) return trained;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const copy = path.join(CACHE, `${name}-${digest}`);
  if (existsSync(copy)) return copy;
  console.log(`Putting guidance ${GUIDANCE} into ${name}, once:`);
  // The page asks for no card: the drawings that one tells of take minutes.
  const form = ["--as", "fp16-weights", "--guidance", GUIDANCE, "--quick", "--out", copy];
  if ((await runTrainer(["export", "--model", trained, ...form])) !== 0) {
    throw new Error(`${name} could not be given its guidance; the trainer has said why`);
  }
  return copy;
}
