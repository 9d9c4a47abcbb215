/** What a page asks for, checked against the model. */
import { type Manifest, SAMPLERS, type SamplerName, SPACINGS, type Spacing } from "@onnx-diffusion/diffusion";
import { SamplerError, type SamplerErrorCode } from "./errors.js";
import { Images } from "./images.js";
import type { DrawRequest } from "./protocol.js";

/** What to draw. Everything has a default. */
export interface SampleOptions {
  /** Number of images. Default: one for each label, each class or 10. */
  readonly count?: number;
  /** Classes, 0..classes-1, which the images take in turn. Default: all. Only for models with classes. */
  readonly labels?: readonly number[];
  /** A whole number of 0 or more: image i of a seed is always the same, in every browser and in Node. Default: random. */
  readonly seed?: number;
  /** Default: `ddim`, which needs few steps. */
  readonly sampler?: SamplerName;
  /** Fresh noise in each step of `ddim`, 0..1: 0 takes none, 1 as much as the posterior of DDPM. Default: 0. */
  readonly eta?: number;
  /** Steps of the sampler, 1..T. Default: 50 or T for the deterministic ones, T for `ddpm`. */
  readonly steps?: number;
  /** Which noise levels the steps visit. Default: `trailing`. */
  readonly spacing?: Spacing;
  /**
   * Image to image: begins with these images, noised to a level of the schedule, in place of noise alone. They are taken
   * in turn, as labels are, and lie in the model's range: `Images` drawn before, or values [N,C,H,W].
   */
  readonly from?: {
    readonly images: Images | Float32Array<ArrayBuffer>;
    /** The part of the steps that is taken, above 0 and up to 1: how much is drawn anew. */
    readonly strength: number;
  };
  /** Standard normals [N,C,H,W], taken in turn, in place of the noise that the seed gives the images at first. */
  readonly initial?: Float32Array<ArrayBuffer>;
  /** Whether each step brings its images along, or every so many of them and the last. Default: false. */
  readonly previews?: boolean | number;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

/** A page that asks for more has mistyped. */
const MOST_IMAGES = 10_000;

/** @throws SamplerError `options` or `labels` naming what is out of range. */
export function drawRequest(options: SampleOptions, manifest: Manifest): DrawRequest {
  const { T } = manifest.schedule;
  const sampler = oneOf("sampler", options.sampler ?? "ddim", SAMPLERS);
  const spacing = oneOf("spacing", options.spacing ?? "trailing", SPACINGS);
  const eta = etaFor(sampler, options.eta ?? 0);
  const steps = whole(
    "steps",
    options.steps ?? (sampler === "ddpm" ? T : Math.min(50, T)),
    1,
    T,
    "the model's T",
  );
  const random = () => crypto.getRandomValues(new Uint32Array(1))[0]!;
  const seed = whole("seed", options.seed ?? random(), 0, Number.MAX_SAFE_INTEGER);
  const cycle = labelCycle(options.labels, manifest.classes);
  const count = whole("count", options.count ?? (cycle.length || defaultCount(manifest)), 1, MOST_IMAGES);
  if (options.labels && count < cycle.length) {
    throw wrong(
      "labels",
      `count: found ${count} for ${cycle.length} labels`,
      `ask for ${cycle.length} images or more, or leave the count out`,
    );
  }
  const labels = cycle.length === 0 ? [] : Array.from({ length: count }, (_, i) => cycle[i % cycle.length]!);
  const { channels, height, width } = manifest.image;
  const from = options.from && wholeImages("from.images", options.from.images, [channels, height, width]);
  const initial = options.initial && wholeImages("initial", options.initial, [channels, height, width]);
  const skip =
    options.from === undefined ? 0 : steps - Math.max(1, Math.round(strength(options.from) * steps));
  const previews = everyStep(options.previews ?? false);
  return { count, labels, seed, sampler, spacing, eta, steps, skip, from, initial, previews };
}

function etaFor(sampler: SamplerName, eta: number): number {
  if (!(eta >= 0 && eta <= 1)) throw wrong("options", `eta: found ${eta}`, "give a number in 0..1");
  if (eta === 0 || sampler === "ddim") return eta;
  throw wrong("options", `eta: found ${eta} for sampler "${sampler}"`, "leave it out, or sample with ddim");
}

function strength({ strength }: { readonly strength: number }): number {
  if (strength > 0 && strength <= 1) return strength;
  throw wrong("options", `from.strength: found ${strength}`, "give a number above 0 and up to 1");
}

/** The values of one image or more. */
function wholeImages(
  name: string,
  images: Images | Float32Array<ArrayBuffer>,
  shape: readonly [number, number, number],
): Float32Array<ArrayBuffer> {
  const values = images instanceof Images ? images.x : images;
  const size = shape[0] * shape[1] * shape[2];
  if (values.length > 0 && values.length % size === 0) return values;
  throw wrong(
    "options",
    `${name}: found ${values.length} values`,
    `give ${size} for each image, [${shape}] in the model's range`,
  );
}

/** How many images a request without count and labels means. */
export const defaultCount = ({ classes }: Manifest): number => classes || 10;

function everyStep(previews: boolean | number): number {
  return typeof previews === "number"
    ? whole("previews", previews, 1, Number.MAX_SAFE_INTEGER)
    : Number(previews);
}

function labelCycle(labels: readonly number[] | undefined, classes: number): readonly number[] {
  if (classes === 0) {
    if (labels === undefined || labels.length === 0) return [];
    throw wrong("labels", `labels: found [${labels}] for a model without classes`, "leave them out");
  }
  if (labels === undefined) return Array.from({ length: classes }, (_, label) => label);
  if (labels.length === 0) {
    throw wrong("labels", "labels: found none", `give classes in 0..${classes - 1}, or leave labels out`);
  }
  const stray = labels.find((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (stray === undefined) return labels;
  throw wrong(
    "labels",
    `labels: found ${stray} among [${labels}]`,
    `give whole numbers in 0..${classes - 1}, the model's classes`,
  );
}

function whole(name: string, value: number, least: number, most: number, whose?: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = `${least}..${most}${whose ? `, ${whose}` : ""}`;
  throw wrong("options", `${name}: found ${value}`, `give a whole number in ${range}`);
}

function oneOf<Name extends string>(what: string, name: Name, known: Readonly<Record<Name, unknown>>): Name {
  if (Object.hasOwn(known, name)) return name;
  const names = Object.keys(known).join(", ");
  throw wrong("options", `${what}: found ${JSON.stringify(name)}`, `give one of ${names}`);
}

const wrong = (code: SamplerErrorCode, problem: string, remedy: string): SamplerError =>
  new SamplerError({ code, problem, remedy });
