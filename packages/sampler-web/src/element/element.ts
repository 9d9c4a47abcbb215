/** `<diffusion-sampler>`: a model that draws before the visitor's eyes. */
import { asSamplerError, type SamplerError } from "../errors.js";
import type { Images } from "../images.js";
import { drawRequest } from "../request.js";
import type { Sampler } from "../sampler.js";
import type { Sampling } from "../sampling.js";
import { ATTRIBUTES, AttributeElement, type AttributeName, OF_THE_MODEL } from "./attributes.js";
import type { DiffusionSamplerEventMap, DrawnDetail } from "./events.js";
import { Film } from "./film.js";
import { Loader } from "./loader.js";
import { pngOf, save } from "./png.js";
import { paint, View } from "./view.js";
import { drawnWords, loadingWords, pictureNames } from "./words.js";

/** Properties that a page may have set before the element was defined. */
const PROPERTIES = [
  ...["model", "device", "runtimeUrl", "count", "labels", "pick", "seed", "sampler", "steps", "spacing"],
  ...["classNames", "paused"],
] as (keyof AttributeElement)[];

/** Seeds that the dice gives: few digits are easily told to somebody else. */
const DICE = 100_000;

/**
 * `<diffusion-sampler>`: draws with a model when it comes into view.
 *
 * ```html
 * <diffusion-sampler model="models/digits/" count="10" sampler="ddim" steps="50" seed="7"></diffusion-sampler>
 * ```
 *
 * **Attributes** follow the properties, and these them: `model`, `device`, `runtime-url`, `count`, `labels`, `pick`, `seed`,
 * `sampler`, `steps`, `spacing`, `class-names`, `paused`. Each change is drawn.
 *
 * **Events** do not bubble, as with `<img>`: {@link DiffusionSamplerEventMap}.
 *
 * **Parts**, for `diffusion-sampler::part(...)`:
 *
 * | part | |
 * | --- | --- |
 * | `grid`, `image` | all pictures; one of them |
 * | `progress` | the bar while the model loads |
 * | `error` | what is wrong, with a button to retry |
 * | `controls` | everything below the pictures |
 * | `timeline`, `slider`, `count` | the row with the steps; its slider; "43 / 50" |
 * | `classes`, `class` | the classes to pick one of; one of them |
 * | `options` | the row with seed and steps |
 * | `input` (`seed`, `steps`) | the fields |
 * | `button` (`play`, `download`, `new-seed`, `retry`) | the buttons |
 * | `status` | the line that says what it does |
 *
 * **Custom properties**:
 *
 * | property | default | |
 * | --- | --- | --- |
 * | `--diffusion-accent` | a blue for the page's colour scheme | play button, slider, the class picked, focus |
 * | `--diffusion-on-accent` | white, or near black in dark pages | text on it |
 * | `--diffusion-columns` | by the number of pictures | columns of the grid |
 * | `--diffusion-gap` | `6px` | between pictures |
 * | `--diffusion-radius` | `6px` | corners of pictures |
 * | `--diffusion-rendering` | `pixelated` | `image-rendering` of the pictures; `auto` for smooth ones |
 *
 * Elements of one model, device and runtime share a {@link Sampler}, which is disposed of with the last of them. Their
 * drawings take turns.
 */
export class DiffusionSampler extends AttributeElement {
  /** @internal */
  static readonly observedAttributes: readonly AttributeName[] = ATTRIBUTES;

  readonly #view: View;
  /** While it waits for its visitor, its drawing must not hold up another element's. */
  readonly #loader = new Loader(() => this.#sampling?.resume());
  /** A sampler of the page's, in place of the loader's. */
  #given: Sampler | undefined;
  #loaded: Sampler | undefined;
  #observer: IntersectionObserver | undefined;
  /** Whether it has been seen or told to play: from then on it draws whenever something is changed. */
  #begun = false;
  #restarting = false;
  /** Set while the element itself writes an attribute. */
  #writing = false;

  /** The drawing under way or done, and what stops it. */
  #controller: AbortController | undefined;
  #sampling: Sampling | undefined;
  #film: Film | undefined;
  #images: Images | undefined;
  /** How far the drawing is, in words. */
  #account = "";
  /** The class of each picture. */
  #labels: readonly number[] = [];
  #canvases: readonly HTMLCanvasElement[] = [];
  #clock: number | undefined;

  constructor() {
    super();
    this.#view = new View(this.attachShadow({ mode: "open" }), {
      togglePlay: () => (this.#running ? this.pause() : this.play()),
      seek: (step) => this.#seek(step),
      pick: (label) => this.#choose(() => (this.pick = label)),
      seed: (seed) => this.#choose(() => (this.seed = seed)),
      newSeed: () => this.#choose(() => (this.seed = diceSeed())),
      steps: (steps) => this.#choose(() => (this.steps = steps)),
      download: () => void this.toBlob().then((blob) => save(blob, `diffusion-seed-${this.seed}.png`)),
      retry: () => void this.#draw(),
    });
  }

  /** The model, once it is loaded. */
  get loaded(): Sampler | undefined {
    return this.#loaded;
  }

  /** The pictures, once they are drawn. */
  get images(): Images | undefined {
    return this.#images;
  }

  /** Draws, goes on, or shows the drawing again. */
  play(): void {
    if (this.paused) this.paused = false;
    else this.#go();
  }

  /** Stays where it is. Other elements draw on. */
  pause(): void {
    this.paused = true;
  }

  /** The pictures as they are seen, as a PNG of 8 pixels for each of theirs. */
  toBlob(): Promise<Blob> {
    return pngOf(this.#canvases, this.#view.columns);
  }

  /** Draws with a sampler that the page has loaded, in place of `model`. It stays the page's to dispose of. */
  use(sampler: Sampler | undefined): void {
    this.#given = sampler;
    this.#restart();
    this.#loader.release();
  }

  /** Listens to the element's own events, as typed in {@link DiffusionSamplerEventMap}. */
  override addEventListener<Name extends keyof DiffusionSamplerEventMap>(
    type: Name,
    listener: (this: DiffusionSampler, event: DiffusionSamplerEventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Listens to any element's events. */
  override addEventListener(...args: Parameters<HTMLElement["addEventListener"]>): void;
  override addEventListener(...args: Parameters<HTMLElement["addEventListener"]>): void {
    super.addEventListener(...args);
  }

  /** @internal */
  connectedCallback(): void {
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete (this as Partial<Record<keyof AttributeElement, unknown>>)[name];
      Object.assign(this, { [name]: value });
    }
    this.#showChoices();
    this.#observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting) || this.paused) return;
        this.#observer?.disconnect();
        this.#go();
      },
      { rootMargin: "120px" },
    );
    this.#observer.observe(this);
  }

  /** @internal */
  disconnectedCallback(): void {
    this.#observer?.disconnect();
    // An element that is only moved is there again by then.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#stop();
      this.#loader.release();
      this.#begun = false;
    });
  }

  /** @internal */
  attributeChangedCallback(name: AttributeName, before: string | null, now: string | null): void {
    if (before === now || !this.isConnected || this.#writing) return;
    if (name === "paused") {
      if (now === null) this.#go();
      else this.#hold();
    } else if (name === "class-names") this.#showChoices();
    else {
      this.#restart();
      if (OF_THE_MODEL.has(name)) this.#loader.release();
    }
  }

  /** What the visitor changes is drawn at once. */
  #choose(change: () => void): void {
    change();
    this.paused = false;
    this.dispatchEvent(new Event("change"));
  }

  /** Draws anew, once for all that changes at a time; a paused element does when it plays. */
  #restart(): void {
    if (this.#restarting) return;
    this.#restarting = true;
    queueMicrotask(() => {
      this.#restarting = false;
      if (!this.isConnected) return;
      this.#stop();
      this.#labels = [];
      this.#showChoices();
      if (this.#begun && !this.paused) void this.#draw();
    });
  }

  /** Whether pictures are on their way to the eye. */
  get #running(): boolean {
    return this.#controller !== undefined && !this.paused && !this.#film?.ended;
  }

  #go(): void {
    this.#begun = true;
    if (this.#controller === undefined) return void this.#draw();
    if (this.#film?.ended) this.#film.rewind();
    this.#view.say(this.#account, this.#account);
    this.#sampling?.resume();
    this.#run();
  }

  #hold(): void {
    // A sampler that others draw with has other work to do meanwhile; then only the eye waits.
    if (this.#given === undefined && !this.#loader.isShared) this.#sampling?.pause();
    this.#showPlay();
    const film = this.#film;
    if (film) this.#view.say(`Paused at step ${film.frame?.step ?? 0} of ${film.steps}`, "Paused");
  }

  #stop(): void {
    this.#controller?.abort();
    this.#controller = undefined;
    this.#sampling = undefined;
    this.#film = undefined;
    this.#showPlay();
  }

  async #draw(): Promise<void> {
    this.#stop();
    const controller = new AbortController();
    this.#controller = controller;
    const { signal } = controller;
    this.#images = undefined;
    this.#view.showError(undefined);
    this.#view.showWaiting(true);
    this.#showPlay();
    try {
      this.#loaded = await this.#load();
      if (signal.aborted) return;
      await this.#sample(this.#loaded, signal);
    } catch (error) {
      // Another drawing may have begun meanwhile; this one's end is nobody's concern then.
      if (!signal.aborted) this.#fail(asSamplerError(error, "drawing"));
    }
  }

  async #load(): Promise<Sampler> {
    if (this.#given) return this.#given;
    const { model, device, runtimeUrl } = this;
    let told = false;
    const wanted = { model, device, ...(runtimeUrl !== undefined && { runtimeUrl }) };
    const sampler = await this.#loader.get(wanted, (progress) => {
      this.#view.showProgress(progress);
      this.#tell(loadingWords(progress), told ? undefined : "Loading the model");
      told = true;
      const { loaded, total } = progress;
      this.dispatchEvent(new ProgressEvent("progress", { lengthComputable: total > 0, loaded, total }));
    });
    this.#view.showProgress(undefined);
    if (told) this.dispatchEvent(new Event("load"));
    return sampler;
  }

  async #sample(sampler: Sampler, signal: AbortSignal): Promise<void> {
    if (this.seed === undefined) this.#write(() => (this.seed = diceSeed()));
    const { seed, count, steps, spacing } = this;
    const labels = this.pick === undefined ? this.labels : [this.pick];
    const options = {
      ...{ seed: seed!, spacing, sampler: this.sampler, previews: true, signal },
      ...(steps !== undefined && { steps }),
      ...(labels !== undefined && { labels }),
      // A visitor who picks a class wants as many pictures as before.
      ...this.#counted(count, sampler),
    };
    const request = drawRequest(options, sampler.manifest);
    this.#labels = request.labels;
    this.#showChoices();
    const sampling = sampler.sample(options);
    this.#sampling = sampling;
    if (this.paused) this.#hold();
    const { device } = sampler;
    this.#tell("Drawing", `Drawing ${this.#canvases.length} pictures`);
    let evaluations = 0;
    for await (const step of sampling) {
      evaluations = step.steps;
      this.#film ??= new Film(step.steps);
      this.#film.add(step.step, step.images!);
      this.#run();
      this.dispatchEvent(new CustomEvent("step", { detail: step }));
    }
    this.#images = await sampling;
    const { seconds } = sampling;
    this.#run();
    const detail: DrawnDetail = {
      ...{ images: this.#images, seed: seed!, labels: request.labels, steps: evaluations, seconds },
    };
    const words = drawnWords(detail, device.device);
    this.#tell(words, words);
    this.dispatchEvent(new CustomEvent("done", { detail }));
  }

  /** Says how far the drawing is. A pause speaks over it, and going on says it again. */
  #tell(seen: string, heard?: string): void {
    this.#account = seen;
    this.#view.say(seen, heard);
  }

  #counted(count: number | undefined, { manifest }: Sampler): { count?: number } {
    if (count !== undefined) return { count };
    if (this.pick === undefined) return {};
    return { count: this.labels?.length ?? (manifest.classes || 10) };
  }

  #fail(error: SamplerError): void {
    this.#stop();
    this.#view.showProgress(undefined);
    this.#tell("");
    this.#view.showError(error);
    this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
  }

  /** The controls and canvases as the attributes and, where there is one, the model have it. */
  #showChoices(): void {
    const labels = this.#labels;
    const manifest = (this.#given ?? this.#loaded)?.manifest;
    const names = this.classNames;
    const count = labels.length || this.count || this.labels?.length || manifest?.classes || 10;
    if (Number.isInteger(count) && count > 0) {
      this.#canvases = this.#view.canvases(pictureNames(count, labels, names));
    }
    const T = manifest?.schedule.T ?? 1000;
    this.#view.showSeed(this.seed);
    this.#view.showSteps(this.steps ?? (this.sampler === "ddpm" ? T : Math.min(50, T)), T);
    const classes = Array.from({ length: manifest?.classes ?? 0 }, (_, i) => names[i] ?? String(i));
    this.#view.showClasses(classes, this.pick);
    this.#showPlay();
  }

  #showPlay(): void {
    const name = this.#running ? "pause" : this.#film?.ended && !this.paused ? "again" : "play";
    this.#view.showPlay(name);
  }

  #seek(step: number): void {
    this.#film?.seek(step);
    this.pause();
    this.#show();
  }

  /** Has the frames shown, as they come and as time goes. */
  #run(): void {
    this.#showPlay();
    if (this.paused) return;
    this.#clock ??= requestAnimationFrame((now) => {
      this.#clock = undefined;
      if (this.paused || this.#film === undefined) return;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        if (this.#images === undefined) return;
        this.#film.seekEnd();
        this.#show();
      } else if (this.#film.advance(now)) this.#show();
      if (this.#film.more) this.#run();
    });
  }

  #show(): void {
    const { frame, steps } = this.#film ?? {};
    if (frame === undefined) return;
    for (const [i, picture] of frame.pictures.entries()) {
      const canvas = this.#canvases[i];
      if (canvas) paint(canvas, picture);
    }
    this.#view.showWaiting(false);
    this.#view.showStep(frame.step, steps!);
    this.#showPlay();
  }

  #write(change: () => void): void {
    this.#writing = true;
    change();
    this.#writing = false;
  }
}

const diceSeed = (): number => Math.floor(Math.random() * DICE);

declare global {
  interface HTMLElementTagNameMap {
    "diffusion-sampler": DiffusionSampler;
  }
}
