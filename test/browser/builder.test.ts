/** The builder in a real browser: the same models to the last byte, and they run there. */
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {} from "./in-page.js";
import { BROWSER, openPage, type TestPage } from "./page.js";
import { digests, gradientModel } from "./programs.js";

const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("in Chromium", () => {
  let opened: TestPage;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL("in-page.ts", import.meta.url));
    const { outputFiles } = await build({
      entryPoints: [entry],
      ...{ bundle: true, write: false, format: "esm", platform: "browser" },
    });
    const served = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
    opened = await openPage({
      "/in-page.js": { text: outputFiles[0]!.text },
      ...Object.fromEntries(served.map((file) => [`/${file}`, { file: path.join(runtime, file) }])),
    });
    await opened.page.addScriptTag({ url: "/in-page.js", type: "module" });
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  test("every model has Node's bytes", async () => {
    const inPage = await opened.page.evaluate(() => globalThis.inPage.digests());
    expect(Object.keys(inPage)).toContain("training_step.onnx");
    expect(inPage).toEqual(await digests());
    expect(opened.errors).toEqual([]);
  });

  test("a model built in the page runs in the page, with Node's numbers", async () => {
    const dims = [2, 1, 8, 8];
    const pixels = Array.from({ length: 128 }, (_, i) => Math.fround(Math.sin(i)));
    const run = (args: [number[], number[]]) => globalThis.inPage.runGradientModel(...args);
    const inPage = await opened.page.evaluate(run, [pixels, dims] as [number[], number[]]);
    const session = await InferenceSession.create(gradientModel());
    const inNode = await session.run({ images: new Tensor("float32", pixels, dims) });
    expect(Object.keys(inPage)).toEqual(["loss", "dImages", "dWeight"]);
    for (const [name, values] of Object.entries(inPage)) {
      const expected = [...(inNode[name]!.data as Float32Array)];
      expect(values.length).toBe(expected.length);
      // Sums of at most 100 products below 1, in another order: a few units in float32's last place of them.
      expect(Math.max(...values.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(2e-6);
    }
    expect(opened.errors).toEqual([]);
  });
});
