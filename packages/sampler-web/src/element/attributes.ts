/** What the element's attributes say, as its properties. */
import type { Device } from "../device.js";
import type { SampleOptions } from "../request.js";

/** Attributes to which the element reacts. */
export const ATTRIBUTES = [
  "model",
  "device",
  "runtime-url",
  "count",
  "labels",
  "pick",
  "seed",
  "sampler",
  "steps",
  "spacing",
  "class-names",
  "paused",
] as const;
/** One of {@link ATTRIBUTES}. */
export type AttributeName = (typeof ATTRIBUTES)[number];

/** Attributes after which another model is loaded. */
export const OF_THE_MODEL: ReadonlySet<string> = new Set(["model", "device", "runtime-url"]);

/** Without a document, as on a server that renders pages, the module can still be imported. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** The attributes as properties; setting one sets the other. `undefined` takes the attribute away. */
export class AttributeElement extends Base {
  /** Address of the model folder. */
  get model(): string | undefined {
    return this.#text("model");
  }
  set model(value: string | undefined) {
    this.#set("model", value);
  }

  /** Where the network runs. Default: `auto`. */
  get device(): Device {
    // Checked by the library.
    return (this.#text("device") ?? "auto") as Device;
  }
  set device(value: Device | undefined) {
    this.#set("device", value);
  }

  /** Address of a folder with ONNX Runtime's files, for unusual builds. */
  get runtimeUrl(): string | undefined {
    return this.#text("runtime-url");
  }
  set runtimeUrl(value: string | undefined) {
    this.#set("runtime-url", value);
  }

  /** How many pictures. Default: one for each label, each class, or 10. */
  get count(): number | undefined {
    return this.#number("count");
  }
  set count(value: number | undefined) {
    this.#set("count", value);
  }

  /** Classes that the pictures take in turn; in the attribute as `3,1,4` or `0-4`. Default: all. */
  get labels(): readonly number[] | undefined {
    return this.#text("labels")?.split(",").flatMap(range);
  }
  set labels(value: readonly number[] | undefined) {
    this.#set("labels", value?.join(","));
  }

  /** The class that the visitor has picked: every picture is of it. */
  get pick(): number | undefined {
    return this.#number("pick");
  }
  set pick(value: number | undefined) {
    this.#set("pick", value);
  }

  /** Default: a random one, which the attribute then says. */
  get seed(): number | undefined {
    return this.#number("seed");
  }
  set seed(value: number | undefined) {
    this.#set("seed", value);
  }

  /** The sampler's name. Default: `ddim`. */
  get sampler(): NonNullable<SampleOptions["sampler"]> {
    return (this.#text("sampler") ?? "ddim") as NonNullable<SampleOptions["sampler"]>;
  }
  set sampler(value: SampleOptions["sampler"]) {
    this.#set("sampler", value);
  }

  /** Steps of the sampler. Default: as `Sampler.sample` has it. */
  get steps(): number | undefined {
    return this.#number("steps");
  }
  set steps(value: number | undefined) {
    this.#set("steps", value);
  }

  /** Spacing of the noise levels. Default: `trailing`. */
  get spacing(): NonNullable<SampleOptions["spacing"]> {
    return (this.#text("spacing") ?? "trailing") as NonNullable<SampleOptions["spacing"]>;
  }
  set spacing(value: SampleOptions["spacing"]) {
    this.#set("spacing", value);
  }

  /** What the classes are called, with commas between. Default: their numbers. */
  get classNames(): readonly string[] {
    return (
      this.#text("class-names")
        ?.split(",")
        .map((name) => name.trim()) ?? []
    );
  }
  set classNames(value: readonly string[] | undefined) {
    this.#set("class-names", value?.join(","));
  }

  /** Whether it waits: for `play`, before it loads anything, or in the middle. */
  get paused(): boolean {
    return this.hasAttribute("paused");
  }
  set paused(value: boolean) {
    this.toggleAttribute("paused", value);
  }

  #text(name: AttributeName): string | undefined {
    return this.getAttribute(name)?.trim() || undefined;
  }

  /** NaN where the attribute is no number, which the library refuses with what it expects. */
  #number(name: AttributeName): number | undefined {
    const text = this.#text(name);
    return text === undefined ? undefined : Number(text);
  }

  #set(name: AttributeName, value: string | number | undefined): void {
    if (value === undefined) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }
}

/** `3` as [3], `0-4` as [0, 1, 2, 3, 4]; anything else as [NaN]. */
function range(text: string): number[] {
  const [, first, last = first] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(text) ?? [];
  const length = Number(last) - Number(first) + 1;
  // A model has few classes; more is a mistyped number.
  if (!(length >= 1 && length <= 1000)) return [Number.NaN];
  return Array.from({ length }, (_, i) => Number(first) + i);
}
