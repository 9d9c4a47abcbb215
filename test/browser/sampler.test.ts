/** The sampler in a real browser: the trainer's images, a page that stays free, and every error as it is promised. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fillImageNoise, linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import type * as samplerWeb from "@onnx-diffusion/sampler-web";
import { runTrainer } from "@onnx-diffusion/trainer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle-web.mjs";
import { BROWSER, openPage, type Served, type TestPage } from "./page.js";
import { smallModel } from "./small-model.js";

type Library = typeof samplerWeb;

declare global {
  var web: Library;
}

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("in Chromium", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "sampler-web-"));
  const at = (...parts: string[]) => path.join(folder, ...parts);
  const files: Record<string, Served> = {};
  let opened: TestPage;
  let model: Map<string, Uint8Array>;

  /** What the server sends for the model, from now on. */
  const serve = (name: string, served: Served) => {
    files[`/model/${name}`] = served;
  };
  const serveAll = () => {
    for (const [name, bytes] of model) serve(name, { bytes });
  };

  /** A page that has nothing in its cache. */
  const freshPage = async () => {
    await opened.page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
  };

  /** What loading fails with. */
  const loadError = (worker = true) =>
    opened.page.evaluate(async (worker) => {
      try {
        await (await web.Sampler.load("/model/", { device: "wasm", worker })).dispose();
      } catch (error) {
        const { name, code, message, remedy } = error as samplerWeb.SamplerError;
        return { ours: error instanceof web.SamplerError, name, code, message, remedy };
      }
      return undefined;
    }, worker);

  beforeAll(async () => {
    model = await smallModel();
    await bundle(at("static"));
    for (const name of readdirSync(at("static"))) files[`/${name}`] = { file: at("static", name) };
    serveAll();
    opened = await openPage(files, ["--enable-unsafe-webgpu"]);
    await opened.page.evaluate(async () => {
      // Not written as import(...): the test's own compiler would look for it.
      globalThis.web = await new Function("return import('/sampler.js')")();
    });
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["ddim", true],
    ["ddpm", true],
    ["heun", true],
    ["dpm++2m", false],
  ] as const)("%s draws what the trainer draws in Node (worker: %s)", async (sampler, worker) => {
    for (const [name, bytes] of model) writeFileSync(at(name), bytes);
    const words = `sample --model ${folder} --sampler ${sampler} --steps 20 --seed 7 --labels 3,7 --count 4`;
    const out = ["--out", at("grid.png"), "--raw", at("images.npy")];
    expect(await runTrainer([...words.split(" "), ...out])).toBe(0);
    const raw = readFileSync(at("images.npy"));
    const expected = raw.subarray(raw.length - 4 * 32 * 32 * 3);
    const inPage = await opened.page.evaluate(
      async ([sampler, worker]) => {
        const loaded = await web.Sampler.load("/model/", { device: "wasm", worker });
        const images = await loaded.sample({ sampler, steps: 20, seed: 7, labels: [3, 7], count: 4 });
        const pixels = [0, 1, 2, 3].flatMap((i) => [...images.imageData(i).data]);
        await loaded.dispose();
        return pixels.filter((_, i) => i % 4 !== 3);
      },
      [sampler, worker] as const,
    );
    expect(inPage.length).toBe(expected.length);
    const off = inPage.map((value, i) => Math.abs(value - expected[i]!));
    // The same sums in another order: a network's output differs by 1e-6 or so, and a pixel that lies on the edge
    // between two of its 256 values may fall to the other side.
    expect(Math.max(...off)).toBeLessThanOrEqual(1);
    expect(off.filter((difference) => difference > 0).length).toBeLessThan(off.length / 100);
    // Not all black or all white: there is something to compare.
    expect(new Set(inPage).size).toBeGreaterThan(50);
  });

  test("the page stays free, steps come in order with their previews, and loading tells its bytes", async () => {
    await freshPage();
    const visit = () =>
      opened.page.evaluate(async () => {
        const long: number[] = [];
        const watch = new PerformanceObserver((list) =>
          long.push(...list.getEntries().map((e) => e.duration)),
        );
        watch.observe({ type: "longtask" });
        const progress: samplerWeb.LoadProgress[] = [];
        const loaded = await web.Sampler.load("/model/", {
          device: "wasm",
          onProgress: (p) => progress.push(p),
        });
        const steps: number[] = [];
        let changed = 0;
        let before: Float32Array | undefined;
        const options = { count: 10, steps: 30, previews: true, seed: 1 };
        for await (const { step, images } of loaded.sample(options)) {
          steps.push(step);
          if (before?.some((value, i) => value !== images!.x[i])) changed++;
          before = images!.x;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
        watch.disconnect();
        await loaded.dispose();
        return { long, progress, steps, changed, device: loaded.device };
      });
    const told = await visit();
    // Chromium reports tasks from 50 ms on: there is none. It goes by the clock, so where other programs hold the page's
    // thread up in the middle of a short task, another visit shows that it was not the task.
    let { long } = told;
    for (let more = 0; long.length > 0 && more < 5; more++) ({ long } = await visit());
    expect(long).toEqual([]);
    expect(told.steps).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(told.changed).toBe(29);
    expect(told.device).toEqual({ device: "wasm", why: "asked for" });
    const ofModel = model.get("inference_model.onnx")!.length + model.get("weights.safetensors")!.length;
    const bytes = ofModel + statSync(at("static", "ort-wasm-simd-threaded.wasm")).size;
    expect(told.progress.at(0)).toEqual({ loaded: 0, total: bytes });
    expect(told.progress.at(-1)).toEqual({ loaded: bytes, total: bytes });
    expect(told.progress.every(({ loaded }, i) => loaded >= (told.progress[i - 1]?.loaded ?? 0))).toBe(true);
    const inPage = await opened.page.evaluate(async () => {
      let last: samplerWeb.LoadProgress | undefined;
      const onProgress = (progress: samplerWeb.LoadProgress) => {
        last = progress;
      };
      await (await web.Sampler.load("/model/", { device: "wasm", worker: false, onProgress })).dispose();
      return last;
    });
    expect(inPage).toEqual({ loaded: ofModel, total: ofModel });
  });

  const manifest = () => JSON.parse(new TextDecoder().decode(model.get("manifest.json")));
  const damaged = () => model.get("weights.safetensors")!.map((byte, i) => (i === 5000 ? byte ^ 1 : byte));

  test.each<[string, string, () => Served, RegExp]>([
    [
      "not-found",
      "weights.safetensors",
      () => ({ status: 404 }),
      /weights\.safetensors: the server answered 404/,
    ],
    ["http", "manifest.json", () => ({ status: 503 }), /the server answered 503/],
    ["content-type", "manifest.json", () => ({ text: "<h1>", type: "text/html" }), /found a web page/],
    ["digest", "weights.safetensors", () => ({ bytes: damaged() }), /SHA-256/],
    ["digest", "inference_model.onnx", () => ({ text: "short" }), /found 5 of \d+ bytes/],
    ["manifest", "manifest.json", () => ({ text: "{}" }), /format: found/],
    [
      "manifest-version",
      "manifest.json",
      () => ({ text: JSON.stringify({ ...manifest(), version: 99 }) }),
      /found version 99/,
    ],
  ])("%s (%s)", async (code, file, served, message) => {
    await freshPage();
    serve(file, served());
    const error = await loadError();
    serveAll();
    expect(error).toMatchObject({ ours: true, name: "SamplerError", code });
    expect(error!.message).toMatch(message);
    expect(error!.message.endsWith(`; ${error!.remedy}`)).toBe(true);
    expect(error!.remedy.length).toBeGreaterThan(10);
    // Nothing is left behind that keeps the mended model from loading.
    expect(await loadError()).toBeUndefined();
  });

  test("requests that do not fit the model say what would", async () => {
    const codes = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/model/", { device: "wasm" });
      const codeOf = (options: samplerWeb.SampleOptions) => {
        try {
          loaded.sample(options);
        } catch (error) {
          return (error as samplerWeb.SamplerError).code;
        }
        return "accepted";
      };
      const wrong = { labels: [10] };
      const codes = [
        codeOf(wrong),
        codeOf({ labels: [1.5] }),
        codeOf({ labels: [] }),
        codeOf({ labels: [1, 2], count: 1 }),
        codeOf({ steps: 401 }),
        codeOf({ seed: -1 }),
        codeOf({ count: 0 }),
        codeOf({ sampler: "nonsense" as "ddim" }),
        codeOf({ eta: 1.5 }),
        codeOf({ eta: 0.5, sampler: "heun" }),
      ];
      await loaded.dispose();
      return [...codes, codeOf({})];
    });
    const options = Array.from({ length: 6 }, () => "options");
    expect(codes).toEqual(["labels", "labels", "labels", "labels", ...options, "disposed"]);
  });

  test("DDIM's eta brings noise into its steps", async () => {
    const off = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/model/", { device: "wasm" });
      const drawn = [];
      for (const eta of [undefined, 0, 0.5, 1]) {
        const { x } = await loaded.sample({ seed: 7, steps: 5, count: 1, ...(eta !== undefined && { eta }) });
        drawn.push(x);
      }
      await loaded.dispose();
      const [usual, ...others] = drawn;
      return others.map((x) => Math.max(...x.map((value, i) => Math.abs(value - usual![i]!))));
    });
    expect(off[0]).toBe(0);
    // Of values from -1 to 1.
    expect(off[1]).toBeGreaterThan(0.05);
    expect(off[2]).toBeGreaterThan(off[1]!);
  });

  test("stopped in the middle, by a signal or by leaving the loop, and usable again", async () => {
    const told = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/model/", { device: "wasm" });
      const controller = new AbortController();
      const sampling = loaded.sample({ steps: 400, signal: controller.signal });
      await sampling[Symbol.asyncIterator]().next();
      controller.abort();
      const stopped = await sampling.then(
        () => "finished",
        (error: unknown) => {
          const { name, code } = error as samplerWeb.SamplerError;
          return `${name} ${code}`;
        },
      );
      let seen = 0;
      const left = loaded.sample({ steps: 400 });
      for await (const { step } of left) {
        seen = step;
        if (step === 3) break;
      }
      const leftCode = await left.then(
        () => "finished",
        (error: unknown) => (error as samplerWeb.SamplerError).code,
      );
      const images = await loaded.sample({ steps: 2, count: 1 });
      await loaded.dispose();
      return { stopped, seen, leftCode, count: images.count };
    });
    expect(told).toEqual({ stopped: "AbortError aborted", seen: 3, leftCode: "aborted", count: 1 });
  });

  test("begins with given noise, or with an image at a level in the middle of the chain", async () => {
    const { T, float64 } = linearSchedule(PRACTICAL_SCHEDULE);
    const size = 3 * 32 * 32;
    const noise = new Float32Array(2 * size);
    fillImageNoise(noise, { seed: 7, purpose: "sampleInitial", row: 0, size });
    const told = await opened.page.evaluate(
      async ([noise, level]) => {
        const loaded = await web.Sampler.load("/model/", { device: "wasm" });
        const options = { labels: [3, 7], steps: 10, previews: true };
        const away = (a: samplerWeb.Images, b: samplerWeb.Images) =>
          Math.max(...a.x.map((value, i) => Math.abs(value - b.x[i]!)));
        const whole = loaded.sample({ ...options, seed: 7 });
        let middle = new Float32Array();
        for await (const { step, images } of whole) if (step === 6) middle = images!.x;
        const drawn = await whole;
        const size = middle.length / 2;
        const given = await loaded.sample({ ...options, initial: new Float32Array(noise) });
        const from = { images: middle.map((value) => value / Math.sqrt(level)), strength: 0.4 };
        const steps: number[] = [];
        const rest = loaded.sample({ ...options, from, initial: new Float32Array(middle.length) });
        for await (const { step, steps: of } of rest) steps.push(step, of);
        // Four images of two labels take two images in turn.
        const four = await loaded.sample({ ...options, count: 4, from, initial: new Float32Array(size) });
        const codes = [
          { from: { images: middle, strength: 0 } },
          { from: { images: middle.slice(1), strength: 1 } },
          { initial: new Float32Array(0) },
        ].map((wrong) => {
          try {
            loaded.sample(wrong);
          } catch (error) {
            return (error as samplerWeb.SamplerError).code;
          }
          return "accepted";
        });
        await loaded.dispose();
        const ends = [0, 1].map((half) => four.x.slice(half * 2 * size, (half + 1) * 2 * size));
        return {
          given: away(given, drawn),
          rest: away(await rest, drawn),
          four: ends.map((x) => Math.max(...x.map((value, i) => Math.abs(value - drawn.x[i]!)))),
          steps,
          codes,
        };
      },
      [[...noise], float64.alphaBar[(T * 4) / 10]!] as const,
    );
    expect(told.given).toBe(0);
    // x_t divided by sqrt(alphaBar) and multiplied by it again, to float32's last digit of values of up to 4.
    expect(told.rest).toBeLessThan(1e-5);
    expect(Math.max(...told.four)).toBeLessThan(1e-5);
    expect(told.steps).toEqual([1, 4, 2, 4, 3, 4, 4, 4]);
    expect(told.codes).toEqual(["options", "options", "options"]);
  });

  test.each([true, false])("held up and let go on; stopped while it is held (worker: %s)", async (worker) => {
    const told = await opened.page.evaluate(async (worker) => {
      const loaded = await web.Sampler.load("/model/", { device: "wasm", worker });
      const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const options = { steps: 400, count: 1, seed: 1 };
      const sampling = loaded.sample(options);
      let seen = 0;
      const watching = (async () => {
        for await (const { step } of sampling) {
          seen = step;
          if (step === 5) sampling.pause();
        }
      })();
      while (seen < 5) await wait(10);
      // Steps that were under way come in.
      let held = 0;
      while (held < seen) {
        held = seen;
        await wait(300);
      }
      sampling.resume();
      await watching;
      const { x } = await sampling;
      const plain = await loaded.sample(options);
      const controller = new AbortController();
      const stopped = loaded.sample({ ...options, signal: controller.signal });
      stopped.pause();
      await wait(100);
      controller.abort();
      const code = await stopped.then(
        () => "finished",
        (error: unknown) => (error as samplerWeb.SamplerError).code,
      );
      const after = await loaded.sample({ ...options, steps: 2 });
      await loaded.dispose();
      return { held, seen, same: x.every((v, i) => v === plain.x[i]), code, after: after.count };
    }, worker);
    expect(told.held).toBeLessThan(400);
    expect(told).toEqual({
      held: told.held,
      seen: 400,
      same: true,
      code: "aborted",
      after: 1,
    });
  });

  test("a worker that crashes fails the drawing; the next one has another worker", async () => {
    const told = await opened.page.evaluate(async () => {
      const { Worker } = globalThis;
      const workers: Worker[] = [];
      globalThis.Worker = class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          workers.push(this);
        }
      };
      const loaded = await web.Sampler.load("/model/", { device: "wasm" });
      const sampling = loaded.sample({ steps: 400 });
      await sampling[Symbol.asyncIterator]().next();
      workers[0]!.dispatchEvent(new ErrorEvent("error", { message: "crashed", cancelable: true }));
      const code = await sampling.then(
        () => "finished",
        (error: unknown) => (error as samplerWeb.SamplerError).code,
      );
      await loaded.sample({ steps: 2, count: 1 });
      // Nobody was drawing: the next drawing has another worker and does not mind.
      workers[1]!.dispatchEvent(new ErrorEvent("error", { message: "crashed", cancelable: true }));
      const images = await loaded.sample({ steps: 2, count: 1 });
      await loaded.dispose();
      globalThis.Worker = Worker;
      return { code, workers: workers.length, count: images.count };
    });
    expect(told).toEqual({ code: "worker", workers: 3, count: 1 });
  });

  test("the second visit needs no network for the model; the first does", async () => {
    await freshPage();
    for (const name of model.keys()) delete files[`/model/${name}`];
    const offline = (on: boolean) => opened.page.context().setOffline(on);
    await offline(true);
    // In the page itself, which has the worker's script already.
    expect(await loadError(false)).toMatchObject({ code: "offline" });
    await offline(false);
    serveAll();
    expect(await loadError(false)).toBeUndefined();
    await offline(true);
    const second = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/model/", { device: "wasm", worker: false });
      const { count } = await loaded.sample({ steps: 2, count: 3 });
      await loaded.dispose();
      return count;
    });
    await offline(false);
    expect(second).toBe(3);
  });

  test("auto says why it takes what it takes", async () => {
    const choice = await opened.page.evaluate(async () => {
      const loaded = await web.Sampler.load("/model/");
      await loaded.dispose();
      return loaded.device;
    });
    // The tests' GPU is software, if there is any.
    expect(choice.device).toBe("wasm");
    expect(choice.why).toMatch(/WebGPU/);
  });
});
