/** The reverse process: the chain from noise as a film, and what the network believes at each step. */
import { ddim, fillImageNoise, type SamplerRow, type Schedule } from "@onnx-diffusion/diffusion";
import { byId, digitChips, make, whenSeen } from "./dom.js";
import { paint, pictureCanvas, SIZE, type Values } from "./picture.js";
import { Newest, type Studio } from "./studio.js";

const STEPS = 40;
const EVERY = 5;

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

  const frames: readonly Frame[] = Array.from({ length: STEPS / EVERY + 1 }, () => {
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
      const { schedule } = studio;
      const rows = ddim(schedule, STEPS);
      for (const [i, frame] of frames.entries()) name(frame, rows[i * EVERY]?.timestep ?? 0);
      let x: Values = new Float32Array(SIZE);
      fillImageNoise(x, { seed, purpose: "sampleInitial", row: 0, size: SIZE });
      const options = { count: 1, labels: [digit()], seed, sampler: "ddim", steps: STEPS, signal } as const;
      await studio.draw(options, ({ step, images }) => {
        const index = (step - 1) / EVERY;
        if (Number.isInteger(index)) show(frames[index]!, x, belief(x, images.x, rows[step - 1]!, schedule));
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
 * x0 as the network saw it in a step of DDIM: the step is linear, so what it was told is found from what it did.
 *
 * @param x before the step, and `next` after it.
 */
function belief(x: Values, next: Values, row: SamplerRow, { float64 }: Schedule): Values {
  const alphaBar = float64.alphaBar[row.timestep]!;
  const [ofEps] = row.estimates as [number];
  return x.map((value, i) => {
    const eps = (next[i]! - row.x * value) / ofEps;
    return (value - Math.sqrt(1 - alphaBar) * eps) / Math.sqrt(alphaBar);
  });
}
