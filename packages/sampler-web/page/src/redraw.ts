/** Image to image: a drawing of the visitor's, noised part of the way and drawn back. */
import { fillImageNoise, noiseLevels } from "@onnx-diffusion/diffusion";
import { digitButtons } from "./digits.js";
import { byId, digitChips, whenSeen } from "./dom.js";
import { Pad } from "./pad.js";
import { paint, pictureCanvas, pictureOf, SIZE, type Values } from "./picture.js";
import { Newest, type Studio } from "./studio.js";

const STEPS = 50;
const WAYS = 4;

/** Sets the section up. */
export function redraw(studio: Studio, digits: readonly Values[]): void {
  const newest = new Newest();
  const strength = byId("redraw-strength", "input");
  const noised = byId("redraw-noised", "canvas");
  const state = byId("redraw-state", "figcaption");
  const results = Array.from({ length: WAYS }, (_, i) =>
    pictureCanvas(`The network's drawing ${i + 1} from yours`),
  );
  byId("redraw-results", "div").append(...results);
  let seed = 1;

  const run = () => {
    const part = strength.valueAsNumber / 100;
    byId("redraw-percent", "output").textContent = `${strength.value} %`;
    strength.setAttribute("aria-valuetext", `${strength.value} percent`);
    newest.run(
      async (signal) => {
        const picture = pad.read();
        const { schedule, manner } = studio;
        const steps = STEPS * manner.stretch;
        const skip = steps - Math.max(1, Math.round(part * steps));
        const { alphaBar, timestep } = noiseLevels(schedule, steps, "trailing", skip)[0]!;
        const noise = new Float32Array(SIZE);
        fillImageNoise(noise, { seed, purpose: "sampleInitial", row: 0, size: SIZE });
        paint(
          noised,
          picture.map((value, i) => Math.sqrt(alphaBar) * value + Math.sqrt(1 - alphaBar) * noise[i]!),
        );
        byId("redraw-level", "figcaption").textContent = `Noised to t = ${timestep}`;
        if (pad.empty) {
          state.textContent = "Draw something first";
          return;
        }
        const options = {
          seed,
          sampler: manner.sampler,
          steps,
          count: WAYS,
          labels: [digit()],
          signal,
        } as const;
        await studio.draw(
          { ...options, from: { images: picture, strength: part } },
          ({ step, steps, images }) => {
            state.textContent = step === steps ? "Four ways back" : `Step ${step} of ${steps}`;
            for (const [i, canvas] of results.entries()) paint(canvas, pictureOf(images.x, i));
          },
        );
      },
      (message) => {
        state.textContent = message;
      },
    );
  };

  const pad = new Pad(byId("pad", "canvas"), run);
  const digit = digitChips(byId("redraw-digits", "div"), {
    ...{ name: "redraw-digit", legend: "Redraw it as a", first: 3, onPick: run },
  });
  digitButtons(byId("redraw-real", "fieldset"), digits, (picked) => {
    pad.put(digits[picked]!);
    seed++;
    run();
  });
  strength.addEventListener("input", run);
  byId("pad-clear", "button").addEventListener("click", () => {
    pad.clear();
    run();
  });

  let begun = false;
  whenSeen(byId("pad", "canvas"), () => {
    begun = true;
    // A digit to begin with says what the place is for.
    if (pad.empty) pad.put(digits[3]!);
    run();
  });
  studio.onModel.push(() => begun && run());
}
