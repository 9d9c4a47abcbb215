/** `trainer export`: a trained model in another form. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  type FileDigest,
  type KnownAnswer,
  type Manifest,
  serializeManifest,
  UserError,
} from "@onnx-diffusion/diffusion";
import { digestOfBytes, type ModelFolder, readModelFolder } from "../artifacts.js";
import { createSession } from "../devices.js";
import { type Evaluation, evaluationSection, readEvaluation } from "../evaluation/evaluation.js";
import { type FormError, formError } from "../forms/error.js";
import type { FormFile, Sampling } from "../forms/form.js";
import { FORMS } from "../forms/index.js";
import { FORM_SUMMARIES, type FormName } from "../forms/names.js";
import { readFormSource } from "../forms/source.js";
import { modelCard } from "../model-card.js";
import { makeWholeFolder, writeBeneath } from "../new-folder.js";
import { gridPng } from "../pictures/index.js";
import { bytesText } from "../progress.js";
import { knownAnswerOf } from "../verify/known-answer.js";

export interface ExportOptions {
  /** The exported folder. */
  readonly model: string;
  readonly as: FormName;
  /** The folder to make. */
  readonly out: string;
  /** For the form `sampler`. */
  readonly sampling: Sampling;
  /** The folder that `trainer eval` wrote. */
  readonly evaluation: string | undefined;
}

/** Writes the form and says what it is. @returns the exit code. */
export async function exportCommand(options: ExportOptions): Promise<number> {
  const { model, as, out } = options;
  const source = readFormSource(model, as, options.sampling);
  const evaluation =
    options.evaluation === undefined ? undefined : readEvaluation(options.evaluation, source.manifest);
  const form = FORMS[as];
  const files = form.files(source);
  const { inference_model } = source.manifest.graphs;
  const manifest: Manifest = {
    ...source.manifest,
    graphs: { inference_model: inference_model! },
    files: {},
  };
  let error: FormError | undefined;
  let knownAnswer: KnownAnswer | undefined;
  await makeWholeFolder(out, async (folder) => {
    for (const { name, bytes } of files) writeBeneath(folder, name, bytes);
    if (form.isModelFolder) {
      ({ error, knownAnswer } = await measure(model, { folder, manifest }));
      if (!Number.isFinite(error.eps)) {
        throw new UserError(
          `--as ${as}: the network gives values that are no numbers in this form; take another`,
        );
      }
      const { images: count, drawn: pixels } = error;
      const bytes = await gridPng({ pixels, count, ...manifest.image });
      files.push({ name: SAMPLES, bytes, what: "what this form draws" });
      writeBeneath(folder, SAMPLES, bytes);
    }
    const card = cardOf(manifest, as, { files, error, evaluation });
    writeBeneath(folder, "README.md", card);
    if (form.isModelFolder) {
      const all = [...files, { name: "README.md", bytes: Buffer.from(card) }];
      const digests = all.map(({ name, bytes }): [string, FileDigest] => [name, digestOfBytes(bytes)]);
      writeBeneath(
        folder,
        "manifest.json",
        serializeManifest({
          ...manifest,
          ...(knownAnswer ? { knownAnswer } : {}),
          files: Object.fromEntries(digests),
        }),
      );
    }
  });
  for (const { name, bytes } of files) console.log(`written ${join(out, name)} (${bytesText(bytes.length)})`);
  if (error !== undefined) for (const line of errorLines(error)) console.log(line);
  return 0;
}

/** Runs the form beside the model that it was made of. */
async function measure(
  model: string,
  form: ModelFolder,
): Promise<{ error: FormError; knownAnswer: KnownAnswer }> {
  const threads = availableParallelism();
  const original = readModelFolder(model, "--model");
  const float32 = await createSession(original, "inference_model", "cpu", { threads });
  try {
    const other = await createSession(form, "inference_model", "cpu", { threads });
    try {
      return {
        error: await formError(form.manifest, float32, other),
        knownAnswer: await knownAnswerOf(form.manifest, other),
      };
    } finally {
      await other.release();
    }
  } finally {
    await float32.release();
  }
}

function errorLines({ images, steps, eps, epsMax, pixels, pixelsMax }: FormError): string[] {
  return [
    `predicted noise: off by ${eps.toExponential(1)} of its size at the worst of ${steps} steps, a value by at most ${epsMax.toExponential(1)}`,
    `${images} images drawn from the same noise: pixels of 0..255 differ by ${pixels.toFixed(3)} on average, by at most ${pixelsMax}`,
  ];
}

/** The picture in the card. */
const SAMPLES = "samples.png";

interface Exported {
  readonly files: readonly FormFile[];
  /** Of a form that is a model folder. */
  readonly error: FormError | undefined;
  readonly evaluation: Evaluation | undefined;
}

function cardOf(manifest: Manifest, as: FormName, { files, error, evaluation }: Exported): string {
  const lines = files.map(({ name, bytes, what }) => `\`${name}\` (${bytesText(bytes.length)}): ${what}.`);
  const about = `## This form

Exported as \`${as}\`: ${FORM_SUMMARIES[as]}.`;
  const against =
    error === undefined
      ? ""
      : ` Against the float32 model, on CPU, with DDIM:

${errorLines(error)
  .map((line) => `- ${line}`)
  .join("\n")}`;
  const drawn =
    error === undefined
      ? []
      : [
          `![Drawn with DDIM in ${error.steps} steps, from seed 0](${SAMPLES})\n\nDrawn with DDIM in ${error.steps} steps, from seed 0.`,
        ];
  return modelCard(manifest, manifest.training!, {
    files: [
      ...lines,
      ...(error ? ["`manifest.json`: schedule, inputs and outputs, and the SHA-256 of each file."] : []),
    ],
    sections: [...drawn, ...(evaluation ? [evaluationSection(evaluation)] : []), about + against],
    draws: error !== undefined,
  });
}
