/** The model card of a form: what it is, what it draws, and how far it is from what it was made of. */

import type { Manifest } from "@onnx-diffusion/diffusion";
import { DIET_OPSET } from "@onnx-diffusion/graph-builder";
import { type Evaluation, evaluationSection } from "../evaluation/evaluation.js";
import { modelCard } from "../model-card.js";
import { bytesText } from "../progress.js";
import { describeSampler } from "../usual-sampler.js";
import type { FormError } from "./error.js";
import type { FormFile } from "./form.js";
import { FORM_SUMMARIES, type FormName } from "./names.js";
import type { FormQuality } from "./quality.js";

/** The picture in the card. */
export const SAMPLES = "samples.png";

/** What a card tells. */
export interface Described {
  readonly as: FormName;
  readonly diet: boolean;
  readonly files: readonly FormFile[];
  /** Of a form that is a model folder and was run. */
  readonly error: FormError | undefined;
  readonly quality: FormQuality | undefined;
  /** Of the model that it was made of. */
  readonly evaluation: Evaluation | undefined;
}

/** README.md of the form's folder. */
export function formCard(manifest: Manifest, described: Described): string {
  const { as, diet, files, error, evaluation } = described;
  const lines = files.map(({ name, bytes, what }) => `\`${name}\` (${bytesText(bytes.length)}): ${what}.`);
  const thin = diet ? ` On a diet: in few operators, of ONNX's operator set ${DIET_OPSET}.` : "";
  const about = `## This form\n\nExported as \`${as}\`: ${FORM_SUMMARIES[as]}.${thin}`;
  const measured = measuredLines(described)
    .map((line) => `- ${line}`)
    .join("\n");
  const against =
    error === undefined ? "" : ` Against the model that it was made from, on CPU:\n\n${measured}`;
  const drawn = error === undefined ? [] : [picture(`Drawn with ${describeSampler(error.by)}, from seed 0`)];
  return modelCard(manifest, manifest.training!, {
    files: [
      ...lines,
      ...(error ? ["`manifest.json`: schedule, inputs and outputs, and the SHA-256 of each file."] : []),
    ],
    sections: [...drawn, ...(evaluation ? [evaluationSection(evaluation)] : []), about + against],
    draws: error !== undefined,
  });
}

const picture = (caption: string): string => `![${caption}](${SAMPLES})\n\n${caption}.`;

/** How far the form is from what it was made of: a line for each measure. */
export function measuredLines({ error, quality }: Pick<Described, "error" | "quality">): string[] {
  if (error === undefined) return [];
  const { images, by, eps, epsMax, pixels, pixelsMax } = error;
  return [
    `predicted noise: off by ${eps.toExponential(1)} of its size at the worst of ${by.steps} steps, a value by at most ${epsMax.toExponential(1)}`,
    `${images} images drawn from the same noise, ${describeSampler(by)}: pixels of 0..255 differ by ${pixels.toFixed(3)} on average, by at most ${pixelsMax}`,
    ...(quality ? qualityLines(quality) : []),
  ];
}

function qualityLines({ form, original, realFrechet, count, by, data }: FormQuality): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    ...(form.accuracy !== undefined && original.accuracy !== undefined
      ? [
          `${count} images, ${describeSampler(by)}, judged by a classifier: ${percent(form.accuracy)} show the class that was asked for; the original's ${percent(original.accuracy)}`,
        ]
      : []),
    `Fréchet distance of ${count} images to as many test images of ${data}, in the classifier's features: ${form.frechet.toFixed(2)}; the original's ${original.frechet.toFixed(2)}, training images' ${realFrechet.toFixed(2)}`,
  ];
}
