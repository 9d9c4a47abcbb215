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
import { digestOfBytes, type ModelFolder } from "../artifacts.js";
import { createSession } from "../devices.js";
import { createSourceSession } from "../drawing-session.js";
import { readEvaluation } from "../evaluation/evaluation.js";
import { formCard, measuredLines, SAMPLES } from "../forms/card.js";
import { type FormError, formError } from "../forms/error.js";
import type { FormSource, Sampling } from "../forms/form.js";
import { guided, withoutGuidance } from "../forms/guided.js";
import { FORMS } from "../forms/index.js";
import type { FormName } from "../forms/names.js";
import { type FormQuality, formQuality, type Judging } from "../forms/quality.js";
import { readFormSource } from "../forms/source.js";
import { makeWholeFolder, writeBeneath } from "../new-folder.js";
import { gridPng } from "../pictures/index.js";
import { bytesText } from "../progress.js";
import { explained } from "../read-graph.js";
import { openTerminal } from "../terminal.js";
import { type UsualSampler, usualSampler } from "../usual-sampler.js";
import { knownAnswerOf } from "../verify/known-answer.js";
import { shown } from "./draw.js";

export interface ExportOptions {
  /** The exported folder. */
  readonly model: string;
  readonly as: FormName;
  /** The weight of guidance to put inside; undefined: none, or what the model has. */
  readonly guidance: number | undefined;
  /** The folder to make. */
  readonly out: string;
  /** For the form `sampler`. */
  readonly sampling: Sampling;
  /** Whether the graph is written in the most portable operators. */
  readonly diet: boolean;
  /** Whether the form is written without being run. */
  readonly quick: boolean;
  /** Who judges the images that the form draws; undefined: nobody. */
  readonly judging: Judging | undefined;
  /** The folder that `trainer eval` wrote. */
  readonly evaluation: string | undefined;
}

/** What running a form has told. */
interface Measured {
  readonly error: FormError;
  readonly quality: FormQuality | undefined;
  readonly knownAnswer: KnownAnswer;
}

/** Writes the form and says what it is. @returns the exit code. */
export async function exportCommand(options: ExportOptions): Promise<number> {
  const { model, as, out, sampling, diet, quick, judging } = options;
  checkFits(options);
  const form = FORMS[as];
  const read = readFormSource(model, as, { sampling, diet });
  const plain = form.isWeightsAlone ? withoutGuidance(read) : read;
  const source = options.guidance === undefined ? plain : guided(plain, options.guidance);
  const evaluation =
    options.evaluation === undefined ? undefined : readEvaluation(options.evaluation, source.manifest);
  const files = explained(`--as ${as}`, () => form.files(source));
  const { inference_model } = source.manifest.graphs;
  const manifest: Manifest = {
    ...source.manifest,
    graphs: { inference_model: inference_model! },
    files: {},
  };
  const by = usualSampler(plain.manifest);
  let measured: Measured | undefined;
  await makeWholeFolder(out, async (folder) => {
    for (const { name, bytes } of files) writeBeneath(folder, name, bytes);
    if (form.isModelFolder && !quick) {
      measured = await measure(source, { folder, manifest }, { as, by, judging });
      const { images: count, drawn: pixels } = measured.error;
      const bytes = await gridPng({ pixels, count, ...manifest.image });
      files.push({ name: SAMPLES, bytes, what: "what this form draws" });
      writeBeneath(folder, SAMPLES, bytes);
    }
    const { error, quality, knownAnswer } = measured ?? {};
    const card = formCard(manifest, { as, diet, files, error, quality, evaluation });
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
  if (measured !== undefined) for (const line of measuredLines(measured)) console.log(line);
  return 0;
}

/** @throws UserError for flags that the form has no use for. */
function checkFits({ as, diet, judging, guidance }: ExportOptions): void {
  if (diet && !FORMS[as].hasDiet) {
    const names = Object.keys(FORMS).filter((name) => FORMS[name as FormName].hasDiet);
    throw new UserError(`--diet: --as ${as} has none, ${names.join(" and ")} have; leave it out`, {
      usage: true,
    });
  }
  if (guidance !== undefined && FORMS[as].isWeightsAlone) {
    throw new UserError(`--guidance: --as ${as} holds weights and no graph to put it into; leave it out`, {
      usage: true,
    });
  }
  if (judging !== undefined && !FORMS[as].isModelFolder) {
    throw new UserError(`--judge: --as ${as} has the model's own numbers; leave it out`, { usage: true });
  }
}

/** Runs the form beside the model that it was made of. */
async function measure(
  source: FormSource,
  form: ModelFolder,
  {
    as,
    by,
    judging,
  }: { readonly as: FormName; readonly by: UsualSampler; readonly judging: Judging | undefined },
): Promise<Measured> {
  const terminal = openTerminal();
  const threads = availableParallelism();
  const original = await createSourceSession(source, "cpu", { threads });
  try {
    const other = await createSession(form, "inference_model", "cpu", { threads });
    try {
      const both = { original, form: other };
      const work = formError(form.manifest, by, both);
      const error = await shown("drawing with both forms", work, terminal);
      if (!Number.isFinite(error.eps)) {
        throw new UserError(
          `--as ${as}: the network gives values that are no numbers in this form; take another`,
        );
      }
      return {
        error,
        quality:
          judging &&
          (await shown("drawing for the judge", formQuality(form.manifest, by, both, judging), terminal)),
        knownAnswer: await knownAnswerOf(form.manifest, other),
      };
    } finally {
      await other.release();
    }
  } finally {
    await original.release();
  }
}
