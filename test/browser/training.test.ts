/** training_step on WebGPU, in software here, against the same steps in WASM. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { describeTraining, modelFiles, unetCond } from "@onnx-diffusion/graph-builder";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { BROWSER, openPage } from "./page.js";
import type { Run, Values } from "./train-in-page.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const BATCH = 2;
const STEPS = 3;

function values(dtype: Values["dtype"], dims: readonly number[], value: (i: number) => number): Values {
  const size = dims.reduce((a, b) => a * b, 1);
  return { dtype, dims, data: Array.from({ length: size }, (_, i) => value(i)) };
}

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("training on WebGPU", () => {
  test("unet-cond: the losses and the state of WASM, step for step", async () => {
    // Multiples of 4: of other numbers of channels ONNX Runtime's 3x3 Conv on WebGPU gives other values (docs/RUNTIMES.md).
    const network = unetCond({ channels: [4, 8, 12, 16], bottleneck: 12, up: [12, 8, 8, 4] });
    const files = await modelFiles(network, { target: "webgpu" });
    const training = describeTraining(network, linearSchedule(PRACTICAL_SCHEDULE));
    const state = Object.fromEntries(
      training.state.map(({ name, kind, dtype, shape }, k) => [
        name,
        values(dtype as Values["dtype"], shape, (i) =>
          kind === "parameter" ? Math.sin(1 + i + 31 * k) / 4 : name.endsWith("running_var") ? 1 : 0,
        ),
      ]),
    );
    const image = [BATCH, 3, 32, 32];
    const batch = {
      images: values("uint8", image, (i) => (i * 37) % 256),
      timestep: values("int32", [BATCH], (i) => 100 + 200 * i),
      noise: values("float32", image, (i) => Math.sin(7 * i)),
      class_labels: values("int32", [BATCH], (i) => 3 + i),
      learning_rate: values("float32", [], () => 1e-3),
    };
    const script = await build({
      ...{ entryPoints: [here("train-in-page.ts")], bundle: true, write: false },
      ...{ format: "esm", platform: "browser", target: "es2022" },
    });
    const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
    const served = readdirSync(runtime).filter((name) => /^ort-wasm.*\.(mjs|wasm)$/.test(name));
    await using opened = await openPage(
      {
        "/train.js": { text: script.outputFiles[0]!.text },
        "/training_step.onnx": { bytes: files.get("training_step.onnx")! },
        ...Object.fromEntries(served.map((name) => [`/${name}`, { file: path.join(runtime, name) }])),
      },
      ["--enable-unsafe-webgpu"],
    );
    await opened.page.addScriptTag({ url: "/train.js", type: "module" });
    const run = (device: Run["device"]) =>
      opened.page.evaluate((args) => globalThis.trainInPage(args), {
        device,
        url: "/training_step.onnx",
        state,
        batch,
        steps: STEPS,
      });
    const [gpu, wasm] = [await run("webgpu"), await run("wasm")];
    for (const [i, loss] of gpu.losses.entries()) expect(Math.abs(loss - wasm.losses[i]!)).toBeLessThan(1e-6);
    // Sums of some thousand products in another order; seen are up to 3e-6 of a tensor's largest value.
    for (const [name, expected] of Object.entries(wasm.state)) {
      const largest = Math.max(...expected.map(Math.abs));
      const off = Math.max(...expected.map((value, i) => Math.abs(value - gpu.state[name]![i]!)));
      expect(off / largest, name).toBeLessThan(1e-5);
    }
    expect(opened.errors).toEqual([]);
  });
});
