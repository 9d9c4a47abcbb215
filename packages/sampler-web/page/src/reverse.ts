/** The reverse process: the chain from noise as a film, and what the network believes at each step. */
import { fillImageNoise, type SamplerRow, type Schedule, samplerNamed } from "@onnx-diffusion/diffusion";
import { byId, digitChips, make, whenSeen } from "./dom.js";
import { paint, pictureCanvas, SIZE, type Values } from "./picture.js";
import { Newest, type Studio } from "./studio.js";

const STEPS = 40;
/** Frames before the last one, which has the picture. */
const FRAMES = 8;

interface Frame {
  readonly seen: HTMLCanvasElement;
  readonly believed: HTMLCanvasElement;
  readonly figure: HTMLElement;
}

/** Sets the section up. */
export function reverse(studio: Studio): void {
  const film = byId("film", "section");
  const newest = new Newest();
  let seed = 7;

  const frames: readonly Frame[] = Array.from({ length: FRAMES + 1 }, () => {
    const [seen, believed] = [pictureCanvas(""), pictureCanvas("")];
    const figure = make("figure", { className: "empty" }, seen, believed, make("figcaption"));
    return { seen, believed, figure };
  });
  // What scrolls can be scrolled with keys.
  film.tabIndex = 0;
  film.append(...frames.map(({ figure }) => figure));

  const run = () =>
    newest.run(async (signal) => {
      for (const { figure } of frames) figure.classList.add("empty");
      const { schedule, manner } = studio;
      const { sampler } = manner;
      const steps = STEPS * manner.stretch;
      const every = steps / FRAMES;
      const rows = samplerNamed(sampler)(schedule, steps);
      for (const [i, frame] of frames.entries()) name(frame, rows[i * every]?.timestep ?? 0);
      let x: Values = new Float32Array(SIZE);
      fillImageNoise(x, { seed, purpose: "sampleInitial", row: 0, size: SIZE });
      const fresh = new Float32Array(SIZE);
      const options = { count: 1, labels: [digit()], seed, sampler, steps, signal };
      await studio.draw(options, ({ step, images }) => {
        const row = step - 1;
        if (row % every === 0) {
          fillImageNoise(fresh, { seed, purpose: "sampleStep", row, size: SIZE });
          show(frames[row / every]!, x, belief(x, images.x, fresh, rows[row]!, schedule));
        }
        x = images.x;
      });
      show(frames.at(-1)!, x, x);
    }, console.error);

  const digit = digitChips(byId("reverse-digits", "div"), {
    ...{ name: "reverse-digit", legend: "Digit to draw", first: 3, onPick: run },
  });
  byId("reverse-again", "button").addEventListener("click", () => {
    seed++;
    run();
  });
  let begun = false;
  whenSeen(film, () => {
    begun = true;
    run();
  });
  studio.onModel.push(() => begun && run());
}

function name({ seen, believed, figure }: Frame, t: number): void {
  figure.querySelector("figcaption")!.textContent = t === 0 ? "done" : `t = ${t}`;
  seen.ariaLabel = `What the network sees at step ${t}`;
  believed.ariaLabel = `The picture that it believes in at step ${t}`;
}

function show({ seen, believed, figure }: Frame, x: Values, x0: Values): void {
  paint(seen, x);
  paint(believed, x0);
  figure.classList.remove("empty");
}

/**
 * x0 as the network saw it in a step of DDIM or DDPM: the step is linear, so what it was told is found from what it did.
 *
 * @param x before the step, and `next` after it.
 * @param fresh the step's noise.
 */
function belief(x: Values, next: Values, fresh: Values, row: SamplerRow, { float64 }: Schedule): Values {
  const alphaBar = float64.alphaBar[row.timestep]!;
  const [ofEps] = row.estimates as [number];
  return x.map((value, i) => {
    const eps = (next[i]! - row.x * value - row.noise * fresh[i]!) / ofEps;
    return (value - Math.sqrt(1 - alphaBar) * eps) / Math.sqrt(alphaBar);
  });
}
