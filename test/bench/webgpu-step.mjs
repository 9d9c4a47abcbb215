/**
 * What a step costs on WebGPU in several forms: with and without the update in the graph, with and without graph capture.
 *
 *     node test/bench/webgpu-step.mjs [--count 2] [--steps 3] [--rounds 3] [--widths 8,12,16,20]
 *
 * Told are processor time and clock (processor-time.mjs). Rounds are interleaved; the median counts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { unet } from "@onnx-diffusion/graph-builder";
import { build } from "esbuild";
import { createJiti } from "jiti";
import { bundle } from "../../scripts/bundle-web.mjs";
import { measured } from "./processor-time.mjs";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2" },
    steps: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    widths: { type: "string", default: "8,12,16,20" },
  },
});
const [count, steps, rounds] = [values.count, values.steps, values.rounds].map(Number);
const channels = values.widths.split(",").map(Number);
const jiti = createJiti(import.meta.url);
const { openPage } = await jiti.import("../browser/page.ts");
const { exported } = await jiti.import("../browser/small-model.ts");
const network = unet({ channels, bottleneck: channels[3], up: [...channels].reverse() });

const folder = mkdtempSync(path.join(tmpdir(), "webgpu-step-"));
await build({
  entryPoints: [fileURLToPath(new URL("webgpu-step-in-page.js", import.meta.url))],
  outfile: path.join(folder, "forms.js"),
  ...{ bundle: true, format: "esm", platform: "browser", target: "es2022" },
});
const files = { "/forms.js": { file: path.join(folder, "forms.js") } };
for (const kind of ["captured", "plain"]) {
  await bundle(path.join(folder, kind));
  for (const name of readdirSync(path.join(folder, kind))) {
    const file = path.join(folder, kind, name);
    const text = kind === "plain" && name.endsWith(".js") && readFileSync(file, "utf8");
    files[`/${kind}/${name}`] = text
      ? { text: text.replaceAll("enableGraphCapture:!0", "enableGraphCapture:!1"), type: "text/javascript" }
      : { file };
  }
}
const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
for (const name of readdirSync(runtime)) {
  if (/^ort-wasm.*\.(mjs|wasm)$/.test(name)) files[`/${name}`] = { file: path.join(runtime, name) };
}
for (const [name, bytes] of await exported(network)) files[`/model/${name}`] = { bytes };
const opened = await openPage(files, ["--enable-unsafe-webgpu"]);
/** A page for each form: sessions of one page share a device, and a captured one is best alone on it. */
const pages = {};
async function pageOf(name) {
  const page = await opened.page.context().browser().newPage();
  page.setDefaultTimeout(0);
  await page.goto(opened.page.url());
  await page.addScriptTag({ url: "/forms.js", type: "module" });
  pages[name] = page;
  return page;
}

const names = [
  ...["network, downloaded", "network, on the GPU", "network, captured"],
  ...["step, on the GPU", "library", "library, without capture"],
];
const results = Object.fromEntries(names.map((name) => [name, []]));
for (const name of names) {
  const page = await pageOf(name);
  const { clock, processor } = await measured(() =>
    page.evaluate(
      async ({ name, count }) => {
        forms[name] = await forms[name](count);
        await forms[name](2);
      },
      { name, count },
    ),
  );
  console.log(
    `${name}: made, and 2 steps: ${(processor / 1000).toFixed(1)} s of processor, ${(clock / 1000).toFixed(1)} s`,
  );
}
for (let round = 0; round < rounds; round++) {
  for (const name of names) {
    results[name].push(
      await measured(() => pages[name].evaluate(({ name, steps }) => forms[name](steps), { name, steps })),
    );
  }
}
console.log(
  `${count} images of 3x32x32, unet with ${channels} channels, ${steps} steps, ${rounds} rounds; ms a step`,
);
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
for (const [name, all] of Object.entries(results)) {
  const [clock, processor] = ["clock", "processor"].map((of) => median(all.map((one) => one[of])) / steps);
  console.log(
    `| ${name.padEnd(24)} | ${processor.toFixed(0).padStart(6)} | ${clock.toFixed(0).padStart(6)} |`,
  );
}
await opened[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
