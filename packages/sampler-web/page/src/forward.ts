/** The forward process: a digit and noise, mixed as the schedule says. */
import { fillImageNoise } from "@onnx-diffusion/diffusion";
import { digitButtons } from "./digits.js";
import { byId } from "./dom.js";
import { paint, SIZE, type Values } from "./picture.js";
import type { Studio } from "./studio.js";

const WIDTH = 400;
const HEIGHT = 150;

/** Sets the section up. */
export function forward(studio: Studio, digits: readonly Values[]): void {
  const canvas = byId("forward-picture", "canvas");
  const slider = byId("forward-slider", "input");
  const noise = new Float32Array(SIZE);
  let digit = 3;
  let seed = 1;

  const show = () => {
    const t = slider.valueAsNumber;
    const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = studio.schedule;
    // x_0 has no noise; the tables begin with a trace of it.
    const [signal, static_] = t === 0 ? [1, 0] : [sqrtAlphaBar[t]!, sqrtOneMinusAlphaBar[t]!];
    paint(
      canvas,
      digits[digit]!.map((value, i) => signal * value + static_ * noise[i]!),
    );
    const words = `${signal.toFixed(2)} of the picture and ${static_.toFixed(2)} of the noise`;
    canvas.ariaLabel = `A handwritten ${digit} at step ${t}: ${words}`;
    slider.setAttribute("aria-valuetext", `step ${t}: ${words}`);
    byId("forward-t", "sub").textContent = String(t);
    byId("forward-signal", "b").textContent = signal.toFixed(2);
    byId("forward-noise", "b").textContent = static_.toFixed(2);
    marker(t / studio.schedule.T, signal, static_);
  };
  const newNoise = () =>
    fillImageNoise(noise, { seed: seed++, purpose: "sampleInitial", row: 0, size: SIZE });

  const buttons = digitButtons(byId("forward-digits", "fieldset"), digits, (picked) => {
    digit = picked;
    show();
  });
  buttons[digit]!.ariaPressed = "true";
  slider.addEventListener("input", show);
  byId("forward-again", "button").addEventListener("click", () => {
    newNoise();
    show();
  });
  const setUp = () => {
    slider.max = String(studio.schedule.T);
    chart(studio);
    show();
  };
  studio.onModel.push(setUp);
  newNoise();
  setUp();
}

const svg = (name: string, attributes: Record<string, string | number>): SVGElement => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
};

const y = (share: number) => HEIGHT - 4 - share * (HEIGHT - 8);

/** The shares of picture and noise over all steps. */
function chart({ schedule }: Studio): void {
  const curve = (table: ArrayLike<number>) =>
    Array.from(
      { length: schedule.T + 1 },
      (_, t) => `${t === 0 ? "M" : "L"}${((t / schedule.T) * WIDTH).toFixed(1)} ${y(table[t]!).toFixed(1)}`,
    ).join("");
  document
    .getElementById("forward-chart")!
    .replaceChildren(
      svg("path", { class: "base", d: `M0 ${y(0)}H${WIDTH}M0 ${y(1)}H${WIDTH}` }),
      svg("path", { class: "signal", d: curve(schedule.sqrtAlphaBar) }),
      svg("path", { class: "static", d: curve(schedule.sqrtOneMinusAlphaBar) }),
      svg("line", { y1: y(1), y2: y(0) }),
      svg("circle", { class: "signal", r: 5 }),
      svg("circle", { class: "static", r: 5 }),
    );
}

function marker(at: number, signal: number, static_: number): void {
  const [line, ...dots] = document.querySelectorAll("#forward-chart :is(line, circle)");
  line?.setAttribute("x1", String(at * WIDTH));
  line?.setAttribute("x2", String(at * WIDTH));
  for (const [i, dot] of dots.entries()) {
    dot.setAttribute("cx", String(at * WIDTH));
    dot.setAttribute("cy", String(y([signal, static_][i]!)));
  }
}
