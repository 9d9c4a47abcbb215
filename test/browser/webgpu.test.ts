/** The sampler on WebGPU, in software here: the trainer's images, a GPU that is taken away, memory that stays. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "@onnx-diffusion/diffusion";
import { convNet } from "@onnx-diffusion/graph-builder";
import type * as samplerWeb from "@onnx-diffusion/sampler-web";
import { runTrainer } from "@onnx-diffusion/trainer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderFiles, openLibrary } from "./library-page.js";
import { BROWSER, type TestPage } from "./page.js";
import { exported } from "./small-model.js";

const foreign = (name: string) => fileURLToPath(new URL(`../foreign/${name}`, import.meta.url));

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("WebGPU in Chromium", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "webgpu-"));
  const at = (...parts: string[]) => path.join(folder, ...parts);
  let opened: TestPage;

  beforeAll(async () => {
    // Software is slow at compiling shaders: a network of two convolutions has few.
    const conv = await exported(convNet({ hidden: 4 }));
    mkdirSync(at("conv"));
    for (const [name, bytes] of conv) writeFileSync(at("conv", name), bytes);
    opened = await openLibrary({
      "/conv": conv,
      "/unet": folderFiles(foreign("unet")),
      "/plain": folderFiles(foreign("plain")),
    });
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Pixels [N,H,W,C] as the trainer draws them in Node. */
  async function trainers(model: string, words: string, pixels: number): Promise<Uint8Array> {
    const args = `sample --model ${model} --seed 7 ${words} --out ${at("grid.png")} --raw ${at("images.npy")}`;
    expect(await runTrainer(args.split(" "))).toBe(0);
    return readFileSync(at("images.npy")).subarray(-pixels);
  }

  test("the trainer's images, in batches of several sizes", async () => {
    const cases = [
      ["ddpm", 3],
      ["heun", 3],
      ["dpm++2m", 5],
    ] as const;
    const inPage = await opened.page.evaluate(async (cases) => {
      const loaded = await web.Sampler.load("/conv/", { device: "webgpu" });
      const drawn: number[][] = [];
      for (const [sampler, count] of cases) {
        const images = await loaded.sample({ sampler, steps: 6, seed: 7, count });
        const pixels = Array.from({ length: count }, (_, i) => [...images.imageData(i).data]).flat();
        drawn.push(pixels.filter((_, i) => i % 4 !== 3));
      }
      await loaded.dispose();
      return { device: loaded.device, drawn };
    }, cases);
    expect(inPage.device).toEqual({ device: "webgpu", why: "asked for" });
    for (const [i, [sampler, count]] of cases.entries()) {
      const words = `--sampler ${sampler} --steps 6 --count ${count}`;
      const expected = await trainers(at("conv"), words, count * 3 * 32 * 32);
      const pixels = inPage.drawn[i]!;
      expect(pixels.length).toBe(expected.length);
      const off = pixels.map((value, i) => Math.abs(value - expected[i]!));
      // Sums in float32 where Node has float64, in another order: values differ by 1e-5 of a range of 2, a pixel is 8e-3
      // of it, so that some fall to the other side of the edge between two of their 256 values.
      expect(Math.max(...off)).toBeLessThanOrEqual(1);
      expect(off.filter((difference) => difference > 0).length).toBeLessThan(off.length / 100);
      expect(new Set(pixels).size).toBeGreaterThan(50);
    }
  });

  test.each([
    ["unet", [2, 0, 1]],
    ["plain", []],
  ] as const)("%s, made elsewhere, draws what diffusers draws", async (name, labels) => {
    const { tensors } = decodeSafetensors(readFileSync(foreign("expected.safetensors")), "expected");
    const [noise, images] = ["noise", "images"].map((what) => [
      ...(tensors.get(`${name}.${what}`)!.data as Float32Array),
    ]) as [number[], number[]];
    const count = labels.length || 2;
    for (const device of ["webgpu", "wasm"] as const) {
      const x = await opened.page.evaluate(
        async ({ name, labels, noise, count, device }) => {
          const loaded = await web.Sampler.load(`/${name}/`, { device });
          const initial = Float32Array.from(noise);
          const { x } = await loaded.sample({
            ...(labels.length > 0 ? { labels } : {}),
            ...{ initial, count, sampler: "ddim", steps: 4 },
          });
          await loaded.dispose();
          return [...x];
        },
        { name, labels, noise, count, device },
      );
      const off = x.map((value, i) => Math.abs(value - images[i]!));
      // As test/foreign.test.ts has it: rounding of 1e-6 that the steps amplify.
      expect(Math.max(...off)).toBeLessThan(1e-4);
    }
  });

  test("previews of every second step and the last, as ImageData and ImageBitmap", async () => {
    const told = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/plain/", { device: "webgpu" });
      const shown: number[] = [];
      let last: samplerWeb.Images | undefined;
      const sampling = loaded.sample({ count: 1, steps: 5, seed: 1, previews: 2 });
      for await (const { step, images } of sampling) {
        if (!images) continue;
        shown.push(step);
        last = images;
      }
      const images = await sampling;
      const bitmap = await images.imageBitmap(0);
      // An ImageBitmap can be sent to another thread without a copy.
      const { port1, port2 } = new MessageChannel();
      const arrived = new Promise<ImageBitmap>((resolve) => {
        port2.onmessage = ({ data }) => resolve(data);
      });
      port1.postMessage(bitmap, [bitmap]);
      const { width, height } = await arrived;
      await loaded.dispose();
      return { shown, equal: last!.x.every((value, i) => value === images.x[i]), size: [width, height] };
    });
    expect(told).toEqual({ shown: [2, 4, 5], equal: true, size: [6, 6] });
  });

  test("20 drawings leave nothing behind on the GPU", async () => {
    const live = await opened.page.evaluate(async () => {
      const buffers = new Set<GPUBuffer>();
      const { createBuffer } = GPUDevice.prototype;
      const { destroy } = GPUBuffer.prototype;
      GPUDevice.prototype.createBuffer = function (descriptor) {
        const buffer = createBuffer.call(this, descriptor);
        buffers.add(buffer);
        return buffer;
      };
      GPUBuffer.prototype.destroy = function () {
        buffers.delete(this);
        return destroy.call(this);
      };
      const bytes = () => [...buffers].reduce((sum, { size }) => sum + size, 0);
      const loaded = await web.Sampler.load("/plain/", { device: "webgpu", worker: false });
      const sizes: number[] = [];
      for (let i = 0; i < 20; i++) {
        await loaded.sample({ count: 2, steps: 3, seed: i, previews: true });
        sizes.push(bytes());
      }
      await loaded.dispose();
      Object.assign(GPUDevice.prototype, { createBuffer });
      Object.assign(GPUBuffer.prototype, { destroy });
      return { sizes, after: bytes() };
    });
    expect(live.sizes[1]).toBeGreaterThan(0);
    expect(live.sizes.slice(1)).toEqual(Array.from({ length: 19 }, () => live.sizes[1]));
    expect(live.after).toBe(0);
  });

  // After these there is no GPU any more in this page: they are the last.
  test("a device that is lost in a page without a worker", async () => {
    const told = await opened.page.evaluate(async () => {
      let device: GPUDevice | undefined;
      const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = async function (descriptor) {
        device = await requestDevice.call(this, descriptor);
        return device;
      };
      const codes: string[] = [];
      const noted = (error: unknown) => codes.push((error as samplerWeb.SamplerError).code);
      const loaded = await web.Sampler.load("/plain/", { device: "webgpu", worker: false });
      try {
        const sampling = loaded.sample({ count: 1, steps: 900, seed: 3 });
        for await (const { step } of sampling) if (step === 3) device!.destroy();
      } catch (error) {
        noted(error);
      }
      await loaded.sample({ count: 1, steps: 3 }).then(undefined, noted);
      await loaded.dispose();
      GPUAdapter.prototype.requestDevice = requestDevice;
      const other = await web.Sampler.load("/plain/", { worker: false });
      const { count } = await other.sample({ count: 1, steps: 3 });
      await other.dispose();
      return { codes, count, device: other.device };
    });
    expect(told).toMatchObject({ codes: ["device-lost", "no-webgpu"], count: 1, device: { device: "wasm" } });
    expect(told.device.why).toMatch(/taken the GPU away/);
  });

  test("the GPU process dies in the middle of a drawing; a worker gets another", async () => {
    await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/plain/", { device: "webgpu" });
      const first = await loaded.sample({ count: 1, steps: 4, seed: 3 });
      const sampling = loaded.sample({ count: 1, steps: 900, seed: 3 });
      await sampling[Symbol.asyncIterator]().next();
      Object.assign(globalThis, { dying: { loaded, first, sampling } });
    });
    const browser = await opened.page.context().browser()!.newBrowserCDPSession();
    await browser.send("Browser.crashGpuProcess");
    const told = await opened.page.evaluate(async () => {
      const { loaded, first, sampling } = (
        globalThis as unknown as {
          dying: { loaded: samplerWeb.Sampler; first: samplerWeb.Images; sampling: samplerWeb.Sampling };
        }
      ).dying;
      const code = await sampling.then(
        () => "finished",
        (error: unknown) => (error as samplerWeb.SamplerError).code,
      );
      const again = await loaded.sample({ count: 1, steps: 4, seed: 3 });
      await loaded.dispose();
      return { code, same: again.x.every((value, i) => Math.abs(value - first.x[i]!) < 1e-6) };
    });
    expect(told).toEqual({ code: "device-lost", same: true });
  });
});
