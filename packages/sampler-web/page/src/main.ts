/** The demo page. */
import "@onnx-diffusion/sampler-web/element";
import { type Sampler, SamplerError } from "@onnx-diffusion/sampler-web";
import { between } from "./between.js";
import { realDigits } from "./digits.js";
import { byId, make } from "./dom.js";
import { forward } from "./forward.js";
import type { ModelName } from "./manner.js";
import { redraw } from "./redraw.js";
import { reverse } from "./reverse.js";
import { Studio } from "./studio.js";

const DEVICES = { webgpu: "WebGPU", wasm: "WebAssembly" } as const;

const studio = new Studio();
const hero = byId("hero", "diffusion-sampler");
const speed = byId("speed", "p");
const missing = byId("missing", "div");

const rate = (stepsPerSecond: number) =>
  stepsPerSecond >= 10 ? Math.round(stepsPerSecond) : stepsPerSecond.toFixed(1);
studio.onSpeed = (stepsPerSecond, { device }) => {
  speed.textContent = `${DEVICES[device.device]} · ${rate(stepsPerSecond)} steps/s`;
};
hero.addEventListener("done", ({ detail: { steps, seconds } }) => {
  if (hero.loaded) studio.onSpeed(steps / seconds, hero.loaded);
});
studio.onModel.push((sampler) => {
  speed.textContent = DEVICES[sampler.device.device];
  hero.sampler = studio.manner.sampler;
  hero.steps = 50 * studio.manner.stretch;
  hero.use(sampler);
  hero.play();
  for (const name of ["model", "sampler", "steps"] as const) {
    const value = name === "model" ? `models/${sampler.manifest.network.name}/` : String(hero[name]);
    byId(`tag-${name}`, "span").textContent = value;
  }
  facts(sampler);
});

/** The model's address, from which both the page and its word for what is missing come. */
async function choose(name: ModelName): Promise<void> {
  missing.hidden = true;
  hero.hidden = false;
  try {
    await studio.choose(name, (loaded, total) => {
      const percent = total > 0 ? Math.round((loaded / total) * 100) : 0;
      speed.textContent = percent === 100 ? "Preparing the model" : `Loading the model, ${percent} %`;
    });
  } catch (error) {
    hero.hidden = true;
    missing.hidden = false;
    speed.textContent = "No model";
    missing.replaceChildren(...whatToDo(name, error));
  }
}

function whatToDo(name: ModelName, error: unknown): Node[] {
  if (!(error instanceof SamplerError) || error.code !== "not-found") {
    const text = error instanceof Error ? error.message : String(error);
    return [make("h3", {}, "The model does not load"), make("p", {}, text)];
  }
  const commands = `npx -y pnpm@12 trainer --artifacts models/${name} --steps 10000
npx -y pnpm@12 trainer export --model runs/${name}/model \\
  --as fp16-weights --out models/${name}/trained`;
  return [
    make("h3", {}, "This network has not been trained here yet"),
    make(
      "p",
      {},
      `The page looks for it in models/${name}/trained. These two commands put one there; then load the page again.`,
    ),
    make("pre", {}, make("code", {}, commands)),
  ];
}

function facts({ manifest, device }: Sampler): void {
  const parameters = manifest.state
    .filter(({ kind }) => kind === "parameter")
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  const { training } = manifest;
  const guidance = manifest.guidance === undefined ? "" : `, guidance ${manifest.guidance} inside the model`;
  const rows: [string, string][] = [
    ["Runs on", `${DEVICES[device.device]}: ${device.why}`],
    ["Network", `${(parameters / 1e6).toFixed(1)} million parameters, ${(bytes / 1e6).toFixed(1)} MB`],
    ["Noise levels", String(manifest.schedule.T)],
    ["Drawn by", `${studio.manner.sampler.toUpperCase()}${guidance}`],
    ...(training
      ? ([["Trained for", `${training.steps.toLocaleString("en")} steps`]] as [string, string][])
      : []),
  ];
  byId("facts", "dl").replaceChildren(
    ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
}

/** The models that the server has. */
async function present(name: ModelName): Promise<boolean> {
  const { ok } = await fetch(`models/${name}/manifest.json`, { method: "HEAD" });
  return ok;
}

const radios = [...document.querySelectorAll<HTMLInputElement>("#models input")];
for (const radio of radios) radio.addEventListener("change", () => choose(radio.value as ModelName));

const digits = await realDigits();
forward(studio, digits);
reverse(studio);
redraw(studio, digits);
between(studio);

const there = await Promise.all(radios.map(({ value }) => present(value as ModelName)));
const radio = radios[there.indexOf(true)] ?? radios[0]!;
radio.checked = true;
await choose(radio.value as ModelName);
