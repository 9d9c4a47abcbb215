/** A classifier that says what drawn images show: a folder of format "onnx-classifier" (docs/model-folder.md). */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileError, type Manifest, UserError } from "@onnx-diffusion/diffusion";
import { InferenceSession, Tensor } from "onnxruntime-node";

const MODEL = "classifier.onnx";

interface JudgeManifest {
  readonly image: { readonly channels: number; readonly height: number; readonly width: number };
  readonly range: readonly [number, number];
  readonly classes: readonly string[];
  readonly features: number;
  /** The data set it was trained on. */
  readonly data: string;
  /** Share of that data set's test images that it names rightly, 0..1. */
  readonly accuracy: number;
}

interface Verdicts {
  /** The class of each image. */
  readonly labels: Int32Array;
  /** [N, features] */
  readonly features: Float32Array;
}

export interface Judge {
  readonly manifest: JudgeManifest;
  /** Judges uint8 images [N,C,H,W]. */
  judge(images: Uint8Array): Promise<Verdicts>;
  dispose(): Promise<void>;
}

/** Images judged in one run of the network. */
const BATCH = 100;

/**
 * Opens a judge for images of a model's shape.
 *
 * @throws UserError if the folder holds no judge, its file is not the one its manifest means, or it was made for other
 *   images or another data set.
 */
export async function openJudge(folder: string, model: Manifest, data: string): Promise<Judge> {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) {
    const found = existsSync(folder) ? "the folder has no manifest.json" : "there is no such folder";
    throw new UserError(`--judge ${folder}: ${found}; give one such as models/judge, which knows MNIST`);
  }
  const { manifest, sha256 } = parseJudge(readJson(path), path);
  checkFits(folder, manifest, model, data);
  const bytes = readBytes(join(folder, MODEL));
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) {
    throw new UserError(
      `${join(folder, MODEL)}: its SHA-256 is ${found}, the manifest says ${sha256}; make the judge again`,
    );
  }
  const session = await createSession(bytes, join(folder, MODEL));
  return {
    manifest,
    judge: (images) => judgeAll(session, manifest, images),
    dispose: () => session.release(),
  };
}

async function createSession(bytes: Uint8Array, path: string): Promise<InferenceSession> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  } catch (cause) {
    throw new UserError(
      `${path}: ONNX Runtime cannot load it (${(cause as Error).message.split("\n")[0]}); make the judge again`,
      { cause },
    );
  }
  for (const name of ["logits", "features"]) {
    if (!session.outputNames.includes(name))
      throw new UserError(
        `${path}: found the outputs ${session.outputNames.join(", ")}, expected ${name} too`,
      );
  }
  return session;
}

async function judgeAll(
  session: InferenceSession,
  { image, range: [low, high], classes, features: width }: JudgeManifest,
  images: Uint8Array,
): Promise<Verdicts> {
  const { channels, height, width: columns } = image;
  const size = channels * height * columns;
  const count = images.length / size;
  const labels = new Int32Array(count);
  const features = new Float32Array(count * width);
  for (let first = 0; first < count; first += BATCH) {
    const n = Math.min(BATCH, count - first);
    const pixels = Float32Array.from(
      images.subarray(first * size, (first + n) * size),
      (v) => low + ((high - low) * v) / 255,
    );
    const outputs = await session.run({
      images: new Tensor("float32", pixels, [n, channels, height, columns]),
    });
    const logits = outputs.logits!.data as Float32Array;
    for (let i = 0; i < n; i++)
      labels[first + i] = largest(logits.subarray(i * classes.length, (i + 1) * classes.length));
    features.set(outputs.features!.data as Float32Array, first * width);
  }
  return { labels, features };
}

const largest = (values: Float32Array): number =>
  values.reduce((best, v, i) => (v > values[best]! ? i : best), 0);

function checkFits(folder: string, judge: JudgeManifest, model: Manifest, data: string): void {
  const size = ({ channels, height, width }: JudgeManifest["image"]) => `${channels}x${height}x${width}`;
  if (size(judge.image) !== size(model.image)) {
    throw new UserError(
      `--judge ${folder}: it judges images of ${size(judge.image)}, the model draws ${size(model.image)}; train a judge for these`,
    );
  }
  if (judge.data !== data) {
    throw new UserError(
      `--judge ${folder}: it was trained on ${judge.data}, the model on ${data}; train a judge on ${data}`,
    );
  }
  if (model.classes > 0 && model.classes !== judge.classes.length) {
    throw new UserError(
      `--judge ${folder}: it knows ${judge.classes.length} classes, the model ${model.classes}; train a judge for these`,
    );
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}

function readJson(path: string): unknown {
  const text = new TextDecoder().decode(readBytes(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${path}: it is no JSON (${(cause as Error).message}); make the judge again`, {
      cause,
    });
  }
}

/** @throws UserError for the first field that is missing or of another kind. */
function parseJudge(json: unknown, path: string): { manifest: JudgeManifest; sha256: string } {
  const read = <T>(field: string, expected: string, fits: (value: unknown) => value is T): T => {
    const value = field
      .split(".")
      .reduce<unknown>(
        (at, key) => (at as Record<string, unknown> | null | undefined)?.[key.replace("%", ".")],
        json,
      );
    if (fits(value)) return value;
    throw new UserError(
      `${path}: ${field.replace("%", ".")}: found ${JSON.stringify(value) ?? "nothing"}, expected ${expected}; make the judge again`,
    );
  };
  const size = (field: string) =>
    read(field, "a whole number of at least 1", (v): v is number => Number.isInteger(v) && (v as number) > 0);
  read("format", '"onnx-classifier"', (v): v is string => v === "onnx-classifier");
  read("version", "1", (v): v is number => v === 1);
  const manifest: JudgeManifest = {
    image: { channels: size("image.channels"), height: size("image.height"), width: size("image.width") },
    range: read(
      "image.range",
      "two rising numbers",
      (v): v is [number, number] =>
        Array.isArray(v) && v.length === 2 && v.every(Number.isFinite) && v[0] < v[1],
    ),
    classes: read(
      "classes",
      "a list of names",
      (v): v is string[] => Array.isArray(v) && v.length > 0 && v.every((name) => typeof name === "string"),
    ),
    features: size("features"),
    data: read("training.data", "the name of a data set", (v): v is string => typeof v === "string"),
    accuracy: read(
      "accuracy",
      "a number in 0..1",
      (v): v is number => typeof v === "number" && v >= 0 && v <= 1,
    ),
  };
  const sha256 = read(
    "files.classifier%onnx.sha256",
    "64 hexadecimal digits",
    (v): v is string => typeof v === "string" && /^[0-9a-f]{64}$/.test(v),
  );
  return { manifest, sha256 };
}
