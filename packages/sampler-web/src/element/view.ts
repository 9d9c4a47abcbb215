/** What is in the element's shadow tree, and how it is changed. */
import type { SamplerErrorData } from "../errors.js";
import { h, type IconName, icon } from "./dom.js";
import { columnsFor, spanOfAll } from "./layout.js";
import { STYLES } from "./styles.js";

/** What the visitor asks for. */
export interface Wishes {
  togglePlay(): void;
  seek(step: number): void;
  pick(label: number | undefined): void;
  seed(value: number): void;
  newSeed(): void;
  steps(value: number): void;
  download(): void;
  retry(): void;
}

let styles: CSSStyleSheet | undefined;

/** The element's face. It knows nothing of models. */
export class View {
  readonly #grid = h("div", { class: "grid waiting", part: "grid", role: "group", "aria-label": "Pictures" });
  readonly #progress = h("progress", { part: "progress", hidden: true, "aria-label": "Loading the model" });
  readonly #play = h("button", { class: "play", part: "button play", type: "button" });
  readonly #slider = h("input", {
    ...{ type: "range", part: "slider", min: 0, max: 0, value: 0, "aria-label": "Step", disabled: true },
  });
  readonly #count = h("span", { class: "count", part: "count", "aria-hidden": "true" });
  readonly #download = h(
    "button",
    {
      part: "button download",
      type: "button",
      "aria-label": "Download as PNG",
      title: "Download as PNG",
      disabled: true,
    },
    icon("download"),
  );
  readonly #classes = h("fieldset", { part: "classes", hidden: true });
  readonly #seed = h("input", { part: "input seed", type: "number", min: 0, step: 1, inputmode: "numeric" });
  readonly #steps = h("input", {
    part: "input steps",
    type: "number",
    min: 1,
    step: 1,
    inputmode: "numeric",
  });
  readonly #state = h("p", { class: "state", part: "status", "aria-hidden": "true" });
  /** For readers: told seldom, and in whole sentences. */
  readonly #live = h("div", { class: "unseen", role: "status" });
  readonly #error = h("div", { class: "error", part: "error", role: "alert", hidden: true });
  readonly #wishes: Wishes;

  constructor(root: ShadowRoot, wishes: Wishes) {
    this.#wishes = wishes;
    // Pages that forbid style elements allow these.
    if (styles === undefined) {
      styles = new CSSStyleSheet();
      styles.replaceSync(STYLES);
    }
    root.adoptedStyleSheets = [styles];
    const dice = h(
      "button",
      { part: "button new-seed", type: "button", "aria-label": "New random seed", title: "New random seed" },
      icon("dice"),
    );
    const options = h(
      "div",
      { class: "options", part: "options" },
      h("span", { class: "pair" }, h("label", {}, "Seed", this.#seed), dice),
      h("label", {}, "Steps", this.#steps),
    );
    const bar = h(
      "div",
      { class: "bar", part: "timeline" },
      this.#play,
      this.#slider,
      this.#count,
      this.#download,
    );
    const controls = h(
      "div",
      { class: "controls", part: "controls" },
      bar,
      this.#classes,
      options,
      this.#state,
    );
    root.append(this.#grid, this.#progress, this.#error, controls, this.#live);
    this.showPlay("play");

    this.#play.addEventListener("click", () => wishes.togglePlay());
    this.#slider.addEventListener("input", () => wishes.seek(this.#slider.valueAsNumber));
    this.#download.addEventListener("click", () => wishes.download());
    dice.addEventListener("click", () => wishes.newSeed());
    onNumber(this.#seed, wishes.seed);
    onNumber(this.#steps, wishes.steps);
  }

  /** The canvases, of which there are then as many as pictures; new ones have noise on them. */
  canvases(names: readonly string[]): readonly HTMLCanvasElement[] {
    const grid = this.#grid;
    while (grid.childElementCount > names.length) grid.lastElementChild!.remove();
    while (grid.childElementCount < names.length) grid.append(noiseCanvas());
    grid.style.setProperty("--columns", String(columnsFor(names.length)));
    const canvases = [...grid.children] as HTMLCanvasElement[];
    for (const [i, canvas] of canvases.entries()) canvas.setAttribute("aria-label", names[i]!);
    return canvases;
  }

  /** Columns as they are seen, the page's styles included. */
  get columns(): number {
    return getComputedStyle(this.#grid).gridTemplateColumns.split(" ").length;
  }

  /** Whether the canvases show nothing of worth yet. */
  showWaiting(waiting: boolean): void {
    this.#grid.classList.toggle("waiting", waiting);
    this.#grid.setAttribute("aria-busy", String(waiting));
    this.#download.disabled = waiting;
  }

  /** Loading: bytes; undefined when it is over. */
  showProgress(progress: { readonly loaded: number; readonly total: number } | undefined): void {
    this.#progress.hidden = progress === undefined;
    if (progress === undefined) return;
    this.#progress.max = progress.total || 1;
    this.#progress.value = progress.loaded;
  }

  showPlay(name: "play" | "pause" | "again"): void {
    const words = { play: "Play", pause: "Pause", again: "Play again" } satisfies Partial<
      Record<IconName, string>
    >;
    if (this.#play.title === words[name]) return;
    this.#play.title = words[name];
    this.#play.setAttribute("aria-label", words[name]);
    this.#play.replaceChildren(icon(name));
  }

  showStep(step: number, steps: number): void {
    this.#slider.disabled = step === 0;
    this.#slider.max = String(steps);
    this.#slider.value = String(step);
    this.#slider.setAttribute("aria-valuetext", `step ${step} of ${steps}`);
    this.#count.textContent = `${step} / ${steps}`;
  }

  showSeed(seed: number | undefined): void {
    this.#seed.value = seed === undefined ? "" : String(seed);
  }

  showSteps(steps: number, most: number): void {
    this.#steps.max = String(most);
    this.#steps.value = String(steps);
  }

  /** The classes to pick one of; none for a model without. */
  showClasses(names: readonly string[], picked: number | undefined): void {
    this.#classes.hidden = names.length < 2;
    const kept = this.#classes.dataset.names === names.join();
    if (!kept) {
      this.#classes.dataset.names = names.join();
      const chip = (text: string, label: number | undefined) => {
        const input = h("input", { type: "radio", name: "pick", value: label ?? "" });
        input.addEventListener("change", () => this.#wishes.pick(label));
        return h("label", { part: "class" }, input, text);
      };
      const legend = h("legend", { class: "unseen" }, "Class to draw");
      this.#classes.replaceChildren(legend, chip("All", undefined), ...names.map(chip));
      this.#classes.classList.toggle(
        "short",
        names.every(({ length }) => length <= 2),
      );
      this.#classes.style.setProperty("--all", String(spanOfAll(names.length)));
    }
    for (const input of this.#classes.querySelectorAll("input")) {
      input.checked = input.value === String(picked ?? "");
    }
  }

  /** A line to see; and, if it is worth interrupting for, one to hear. */
  say(seen: string, heard?: string): void {
    this.#state.textContent = seen;
    if (heard !== undefined) this.#live.textContent = heard;
  }

  showError(error: Pick<SamplerErrorData, "problem" | "remedy"> | undefined): void {
    this.#error.hidden = error === undefined;
    this.#error.replaceChildren();
    if (error === undefined) return;
    const retry = h("button", { part: "button retry", type: "button" }, "Try again");
    retry.addEventListener("click", () => this.#wishes.retry());
    const text = h("p", {}, h("strong", {}, `${sentence(error.problem)}.`), ` ${sentence(error.remedy)}.`);
    this.#error.append(text, retry);
  }
}

/** Paints a picture. */
export function paint(canvas: HTMLCanvasElement, picture: ImageData): void {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
}

const SIZE = 32;

/** A canvas that shows what the sampler starts from, until it does. */
function noiseCanvas(): HTMLCanvasElement {
  const canvas = h("canvas", { part: "image", role: "img", width: SIZE, height: SIZE });
  const picture = new ImageData(SIZE, SIZE);
  for (let i = 0; i < picture.data.length; i += 4) {
    picture.data.fill(Math.random() * 256, i, i + 3);
    picture.data[i + 3] = 255;
  }
  paint(canvas, picture);
  return canvas;
}

function onNumber(input: HTMLInputElement, tell: (value: number) => void): void {
  input.addEventListener("change", () => {
    if (input.checkValidity() && input.value !== "") tell(input.valueAsNumber);
    else input.reportValidity();
  });
}

/** With a capital, but for an address, and without its full stop. */
function sentence(text: string): string {
  const first = /^\w+:\/\//.test(text) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return first + text.slice(1).replace(/\.$/, "");
}
