/** One question with a known answer: whether a folder computes here what it computed where it was exported. */

import { fillImageNoise, type KnownAnswer, type Manifest, UserError } from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-node";
import { predict } from "../sampling.js";

const SEED = 0;
const CLASS_LABEL = 0;
const VALUES = 16;
/**
 * Of values of about 1. Processors and versions of ONNX Runtime differ by rounding alone, 1e-5; in half precision by
 * 1e-3. Other weights differ by 1e-1.
 */
const TOLERANCE = 5e-3;

/** Asks the network in the middle of the noise levels. */
export async function knownAnswerOf(manifest: Manifest, session: InferenceSession): Promise<KnownAnswer> {
  const question = { seed: SEED, timestep: Math.ceil(manifest.schedule.T / 2), classLabel: CLASS_LABEL };
  return { ...question, values: await ask(manifest, session, question) };
}

/**
 * Asks again.
 *
 * @returns the largest difference.
 * @throws UserError if it is more than runtimes differ by.
 */
export async function checkKnownAnswer(
  folder: string,
  manifest: Manifest,
  session: InferenceSession,
  expected: KnownAnswer,
): Promise<number> {
  const found = await ask(manifest, session, expected);
  const apart = expected.values.map((value, i) => Math.abs(value - found[i]!));
  const wrong = apart.findIndex((difference) => !(difference <= TOLERANCE));
  if (wrong >= 0) {
    throw new UserError(
      `${folder}: value ${wrong} of the known answer is ${found[wrong]} here, the manifest says ${expected.values[wrong]} ` +
        `(tolerance ${TOLERANCE}); the files are not those of one export, or this runtime computes something else`,
    );
  }
  return Math.max(...apart);
}

async function ask(
  manifest: Manifest,
  session: InferenceSession,
  { seed, timestep, classLabel }: Omit<KnownAnswer, "values">,
): Promise<number[]> {
  const { channels, height, width } = manifest.image;
  const size = channels * height * width;
  const x = new Float32Array(size);
  fillImageNoise(x, { seed, purpose: "sampleInitial", row: 0, size, first: 0 });
  const output = await predict({ manifest, session, x, timestep, labels: Int32Array.of(classLabel) });
  return Array.from(output.subarray(0, VALUES));
}
