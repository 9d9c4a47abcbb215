/** Interpolation: the drawings between those of two seeds. */
import { fillImageNoise } from "@onnx-diffusion/diffusion";
import { byId, digitChips, whenSeen } from "./dom.js";
import { paint, pictureCanvas, pictureOf, SIZE, type Values } from "./picture.js";
import { Newest, type Studio } from "./studio.js";

const STEPS = 25;
const PLACES = 13;

/** Sets the section up. */
export function between(studio: Studio): void {
  const newest = new Newest();
  const canvas = byId("between-picture", "canvas");
  const slider = byId("between-slider", "input");
  const strip = Array.from({ length: PLACES }, () => pictureCanvas(""));
  byId("between-strip", "div").append(...strip);
  const seeds = [11, 42];
  let drawn: Values | undefined;

  const show = () => {
    const at = slider.valueAsNumber;
    const share = `${Math.round((at / (PLACES - 1)) * 100)} % of the way`;
    slider.setAttribute("aria-valuetext", `${share} from seed ${seeds[0]} to seed ${seeds[1]}`);
    canvas.ariaLabel = `The drawing ${share} from seed ${seeds[0]} to seed ${seeds[1]}`;
    for (const [i, small] of strip.entries()) {
      small.classList.toggle("here", i === at);
      if (drawn) paint(small, pictureOf(drawn, i));
    }
    if (drawn) paint(canvas, pictureOf(drawn, at));
  };
  const run = () =>
    newest.run(async (signal) => {
      const initial = path(seeds[0]!, seeds[1]!);
      const { sampler, stretch } = studio.manner;
      const options = { labels: [digit()], seed: seeds[0]!, sampler, steps: STEPS * stretch, signal };
      if (sampler === "ddim") {
        await studio.draw({ ...options, count: PLACES, initial }, ({ images }) => {
          drawn = images.x;
          show();
        });
        return;
      }
      // The steps' own noise has to be the same everywhere, as it is for each first picture of a seed.
      drawn = initial.slice();
      for (const place of nearestFirst(slider.valueAsNumber)) {
        const into = pictureOf(drawn, place);
        await studio.draw({ ...options, count: 1, initial: pictureOf(initial, place) }, ({ images }) => {
          into.set(images.x);
          show();
        });
      }
    }, console.error);

  const digit = digitChips(byId("between-digits", "div"), {
    ...{ name: "between-digit", legend: "Digit to draw", first: 8, onPick: run },
  });
  for (const [i, end] of [byId("between-a", "button"), byId("between-b", "button")].entries()) {
    end.title = "Another seed";
    end.addEventListener("click", () => {
      seeds[i] = Math.floor(Math.random() * 1000);
      end.querySelector("b")!.textContent = String(seeds[i]);
      run();
    });
  }
  slider.addEventListener("input", show);
  for (const [i, small] of strip.entries()) {
    small.addEventListener("click", () => {
      slider.valueAsNumber = i;
      show();
    });
  }
  let begun = false;
  whenSeen(canvas, () => {
    begun = true;
    run();
  });
  studio.onModel.push(() => begun && run());
  show();
}

/** All places, the one that is looked at before the others. */
const nearestFirst = (at: number): number[] =>
  Array.from({ length: PLACES }, (_, place) => place).sort((a, b) => Math.abs(a - at) - Math.abs(b - at));

/**
 * Noise [PLACES,3,32,32] from one seed's to another's. Both are independent normals, so cos a + sin b of a quarter
 * circle is normal too, of variance 1.
 */
function path(from: number, to: number): Values {
  const [a, b] = [from, to].map((seed) => {
    const noise = new Float32Array(SIZE);
    fillImageNoise(noise, { seed, purpose: "sampleInitial", row: 0, size: SIZE });
    return noise;
  }) as [Values, Values];
  const out = new Float32Array(PLACES * SIZE);
  for (let place = 0; place < PLACES; place++) {
    const angle = ((place / (PLACES - 1)) * Math.PI) / 2;
    for (let i = 0; i < SIZE; i++) out[place * SIZE + i] = Math.cos(angle) * a[i]! + Math.sin(angle) * b[i]!;
  }
  return out;
}
