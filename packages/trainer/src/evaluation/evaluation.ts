/** The result of `trainer eval`: eval.json, and what a model card tells of it. */

import { join } from "node:path";
import { jsonReader, type Manifest, UserError } from "@onnx-diffusion/diffusion";
import { readBytes } from "../files.js";
import type { Confusion } from "./confusion.js";
import type { LossAtTimestep } from "./loss-by-timestep.js";

/** The file in the folder that `trainer eval` writes. */
export const EVALUATION_FILE = "eval.json";

/** What eval.json holds. */
export interface Evaluation {
  readonly model: {
    readonly network: string;
    readonly steps: number;
    readonly data: string;
    /** See {@link modelDigest}. */
    readonly sha256: string;
  };
  readonly drawn: {
    readonly count: number;
    readonly seed: number;
    readonly sampler: string;
    readonly spacing: string;
    readonly steps: number;
    /** Left out where there was none. */
    readonly guidance?: number;
  };
  /** The classifier: its share of right answers on test images, 0..1, and the names of the classes. */
  readonly judge: { readonly accuracy: number; readonly classes: readonly string[] };
  /** Left out for a model without classes. */
  readonly confusion?: Pick<Confusion, "accuracy" | "perClass" | "counts">;
  readonly frechet: {
    /** The drawn images against as many test images. */
    readonly drawn: number;
    /** As many training images against the same, which is what real images get. */
    readonly real: number;
    readonly count: number;
  };
  readonly lossByTimestep: readonly LossAtTimestep[];
}

/** `ddim, 50 steps, guidance 3` */
export function describeDrawing({ sampler, steps, guidance }: Evaluation["drawn"]): string {
  return `${sampler}, ${steps} steps${guidance === undefined ? "" : `, guidance ${guidance}`}`;
}

/** SHA-256 of the file that holds a model's weights: it says which model was evaluated. */
export function modelDigest({ graphs, files }: Manifest): string {
  const file = files["weights.safetensors"] ?? files[graphs.inference_model!.file];
  return file!.sha256;
}

/**
 * Reads the evaluation of a model.
 *
 * @param folder where `trainer eval` wrote it.
 * @throws UserError if there is none, a field is wrong, or it is of another model or guidance.
 */
export function readEvaluation(folder: string, manifest: Manifest): Evaluation {
  const path = join(folder, EVALUATION_FILE);
  const evaluation = parse(new TextDecoder().decode(readBytes(path)), path);
  const { sha256, network, steps } = evaluation.model;
  const expected = modelDigest(manifest);
  if (sha256 !== expected) {
    throw new UserError(
      `${path}: it is of ${network} after ${steps} steps with weights of SHA-256 ${sha256.slice(0, 8)}…, expected ` +
        `${expected.slice(0, 8)}…; evaluate this model with: trainer eval`,
    );
  }
  const { guidance } = evaluation.drawn;
  if (guidance !== manifest.guidance) {
    const words = (weight: number | undefined) =>
      weight === undefined ? "no guidance" : `guidance ${weight}`;
    throw new UserError(
      `${path}: its images were drawn with ${words(guidance)}, expected ${words(manifest.guidance)}; give both commands the same --guidance`,
    );
  }
  return evaluation;
}

function parse(source: string, where: string): Evaluation {
  const { field, finite, integer, items, text } = jsonReader;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new UserError(`${where}: it is no JSON (${(cause as Error).message}); run trainer eval again`, {
      cause,
    });
  }
  const top = { value, where, path: "" };
  const of = (name: string) => field(top, name);
  const share = (at: jsonReader.At): number => {
    const number = finite(at);
    return number >= 0 && number <= 1 ? number : jsonReader.fail(at, "a number in 0..1");
  };
  const confusion = of("confusion");
  const drawnWith = field(of("drawn"), "guidance");
  return {
    model: {
      network: text(field(of("model"), "network")),
      steps: integer(field(of("model"), "steps"), 0),
      data: text(field(of("model"), "data")),
      sha256: text(field(of("model"), "sha256")),
    },
    drawn: {
      count: integer(field(of("drawn"), "count"), 1),
      seed: integer(field(of("drawn"), "seed"), 0),
      sampler: text(field(of("drawn"), "sampler")),
      spacing: text(field(of("drawn"), "spacing")),
      steps: integer(field(of("drawn"), "steps"), 1),
      ...(drawnWith.value === undefined ? {} : { guidance: finite(drawnWith) }),
    },
    judge: {
      accuracy: share(field(of("judge"), "accuracy")),
      classes: items(field(of("judge"), "classes")).map(text),
    },
    ...(confusion.value === undefined
      ? {}
      : {
          confusion: {
            accuracy: share(field(confusion, "accuracy")),
            // null: a class of which none was drawn
            perClass: items(field(confusion, "perClass")).map((at) =>
              at.value === null ? Number.NaN : share(at),
            ),
            counts: items(field(confusion, "counts")).map((row) => items(row).map((at) => integer(at, 0))),
          },
        }),
    frechet: {
      drawn: finite(field(of("frechet"), "drawn")),
      real: finite(field(of("frechet"), "real")),
      count: integer(field(of("frechet"), "count"), 1),
    },
    lossByTimestep: items(of("lossByTimestep")).map((at) => ({
      timestep: integer(field(at, "timestep"), 1),
      loss: finite(field(at, "loss")),
    })),
  };
}

const percent = (share: number): string => (Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`);

/** The section of a model card. */
export function evaluationSection({ drawn, judge, confusion, frechet, lossByTimestep }: Evaluation): string {
  const some = lossByTimestep.filter((_, i) => (i + 1) % 4 === 0 || i === 0);
  const rows = [
    ...(confusion
      ? [
          [
            "accuracy",
            `**${percent(confusion.accuracy)}** (the classifier's own on test images: ${percent(judge.accuracy)})`,
          ],
          [
            "by class",
            confusion.perClass.map((share, i) => `${judge.classes[i] ?? i}: ${percent(share)}`).join(", "),
          ],
        ]
      : []),
    [
      "Fréchet distance",
      `**${frechet.drawn.toFixed(2)}** between ${frechet.count} drawn and ${frechet.count} test images, in the classifier's features; ${frechet.count} training images have ${frechet.real.toFixed(2)}`,
    ],
    ["loss at t", some.map(({ timestep, loss }) => `${timestep}: ${loss.toPrecision(3)}`).join(", ")],
  ];
  return `## How good

\`trainer eval\` drew ${drawn.count} images (${describeDrawing(drawn)}, seed ${drawn.seed}) and had a classifier name them.

| | |
|---|---|
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}`;
}
