/** What a judge makes of images drawn by a form and by the model that it was made of, from the same noise. */

import { type Manifest, UserError } from "@onnx-diffusion/diffusion";
import type { InferenceSession } from "onnxruntime-node";
import { firstImages, loadDataset } from "../data/index.js";
import { confusionOf } from "../evaluation/confusion.js";
import { frechetDistance } from "../evaluation/frechet.js";
import { openJudge } from "../evaluation/judge.js";
import { type DrawProgress, drawImages } from "../sampling.js";
import type { UsualSampler } from "../usual-sampler.js";

/** What images are worth. */
interface Quality {
  /** Share that the judge takes for what was asked for, 0..1; left out for a model without classes. */
  readonly accuracy?: number;
  /** Fréchet distance to as many test images, in the judge's features. */
  readonly frechet: number;
}

/** The same question to both. */
export interface FormQuality {
  readonly form: Quality;
  readonly original: Quality;
  /** What real images get: the distance of as many training images. */
  readonly realFrechet: number;
  readonly count: number;
  /** How they were drawn. */
  readonly by: UsualSampler;
  /** Name of the data set. */
  readonly data: string;
}

/** Who judges, and how many images. */
export interface Judging {
  /** The classifier's folder. */
  readonly judge: string;
  readonly count: number;
}

const SEED = 0;

/** @throws UserError if the judge does not fit the model. */
export async function* formQuality(
  manifest: Manifest,
  by: UsualSampler,
  { original, form }: { readonly original: InferenceSession; readonly form: InferenceSession },
  { judge: folder, count }: Judging,
): AsyncGenerator<DrawProgress, FormQuality, undefined> {
  const { training, classes, image } = manifest;
  if (training === undefined) throw new UserError(`--judge ${folder}: the model is not trained`);
  const { data } = training;
  const judge = await openJudge(folder, manifest, data);
  try {
    const load = (split: "train" | "test") => loadDataset(data, { split, ...image });
    const [train, test] = [await load("train"), await load("test")];
    const width = judge.manifest.features;
    const tests = await judge.judge(firstImages(test, count));
    const labels = classes > 0 ? Array.from({ length: count }, (_, i) => i % classes) : [];
    const drawn = async function* (session: InferenceSession): AsyncGenerator<DrawProgress, Quality> {
      const pixels = yield* drawImages({ manifest, session, ...by, seed: SEED, count, labels });
      const judged = await judge.judge(pixels);
      return {
        ...(classes > 0 ? { accuracy: confusionOf(labels, judged.labels, classes).accuracy } : {}),
        frechet: frechetDistance(judged.features, tests.features, width),
      };
    };
    const known = await judge.judge(firstImages(train, count));
    return {
      form: yield* drawn(form),
      original: yield* drawn(original),
      realFrechet: frechetDistance(known.features, tests.features, width),
      count,
      by,
      data,
    };
  } finally {
    await judge.dispose();
  }
}
