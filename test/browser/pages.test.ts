/** Pages of several kinds: strict policies, threads, no network, and how little each of them fetches. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runTrainer } from "@onnx-diffusion/trainer";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { folderFiles, openLibrary } from "./library-page.js";
import { BROWSER, type TestPage } from "./page.js";
import { smallModel } from "./small-model.js";

const plain = folderFiles(fileURLToPath(new URL("../foreign/plain", import.meta.url)));

/** Draws in the page; the first values of the images. */
const draw = (page: Page, model: string, options: { worker?: boolean } = {}) =>
  page.evaluate(
    async ({ model, options }) => {
      const loaded = await web.Sampler.load(model, { device: "wasm", ...options });
      const { x } = await loaded.sample({ count: 2, steps: 3, seed: 5 });
      await loaded.dispose();
      return [...x.subarray(0, 20)];
    },
    { model, options },
  );

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("pages in Chromium", () => {
  test("a policy that allows no code but the site's own, and WebAssembly", async () => {
    const policy =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
    await using opened = await openLibrary({ "/model": plain }, { "content-security-policy": policy });
    const evaluates = await opened.page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "globalThis.inline = true";
      document.head.append(script);
      return "inline" in globalThis;
    });
    // The policy is in force: the page's own inline script does not run.
    expect(evaluates).toBe(false);
    opened.errors.splice(0);
    for (const worker of [true, false])
      expect(await draw(opened.page, "/model/", { worker })).toHaveLength(20);
    expect(opened.errors).toEqual([]);
  });

  test("threads where the page is isolated, and the same images", async () => {
    const isolation = {
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    };
    const model = await smallModel();
    const alone = await openLibrary({ "/model": model });
    const expected = await draw(alone.page, "/model/");
    await alone[Symbol.asyncDispose]();
    await using opened = await openLibrary({ "/model": model }, isolation);
    const { page } = opened;
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    const found = await draw(page, "/model/");
    // Threads share out a product's rows, and its sums stay as they are; but blocks may be cut in another way.
    for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-4);
    expect(opened.errors).toEqual([]);
  });

  test("a first visit fetches what its device needs and nothing else; a second one nothing but the manifest", async () => {
    await using opened = await openLibrary({ "/model": plain });
    const { page } = opened;
    const first = await fetched(page, () => draw(page, "/model/"));
    expect(first.filter((name) => name.endsWith(".wasm"))).toEqual(["ort-wasm-simd-threaded.wasm"]);
    expect(first.filter((name) => name.startsWith("ort."))).toHaveLength(1);
    expect(first).toContain("plain.onnx");
    const second = await fetched(page, () => draw(page, "/model/"));
    expect(second.filter((name) => !name.endsWith(".js"))).toEqual(["manifest.json"]);
  });

  test("a second visit without a network, the page loaded anew", async () => {
    await using opened = await openLibrary({ "/model": plain });
    const expected = await draw(opened.page, "/model/");
    await visitAgain(opened);
    // The page itself is the site's to keep, here by the server's word; model and runtime are not on it any more.
    for (const name of Object.keys(opened.files)) {
      if (name.startsWith("/model/") || name.endsWith(".wasm")) opened.files[name] = { status: 503 };
    }
    await opened.page.context().route(/\/model\//, (route) => route.abort("internetdisconnected"));
    expect(await draw(opened.page, "/model/")).toEqual(expected);
  });

  test("weights in half precision: half the bytes, and the images but for rounding", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "half-"));
    const model = await smallModel();
    const manifest = JSON.parse(new TextDecoder().decode(model.get("manifest.json")));
    const training = {
      data: "none",
      dataDigest: "0".repeat(64),
      steps: 1,
      batch: 1,
      learningRate: 1,
      seed: 0,
    };
    manifest.training = { ...training, loss: 1, device: "cpu" };
    model.set("manifest.json", new TextEncoder().encode(JSON.stringify(manifest)));
    mkdirSync(path.join(folder, "full"));
    for (const [name, bytes] of model) writeFileSync(path.join(folder, "full", name), bytes);
    const [from, to] = [path.join(folder, "full"), path.join(folder, "half")];
    expect(await runTrainer(["export", "--model", from, "--as", "fp16-weights", "--out", to])).toBe(0);
    const half = folderFiles(to);
    const name = "weights.safetensors";
    expect(half.get(name)!.length).toBeLessThan(0.6 * model.get(name)!.length);
    await using opened = await openLibrary({ "/full": model, "/half": half });
    const expected = await draw(opened.page, "/full/");
    const found = await draw(opened.page, "/half/");
    rmSync(folder, { recursive: true });
    const off = found.map((value, i) => Math.abs(value - expected[i]!));
    // A weight of 11 bits is off by 2e-4 of itself; an x of three steps from T, where 1 / sqrt(alphaBar) is 7, by a few times
    // that of values of about 1.
    expect(Math.max(...off)).toBeLessThan(2e-2);
    expect(Math.max(...off)).toBeGreaterThan(0);
  });

  test("a folder that the visitor has opened, here one of the site's own", async () => {
    await using opened = await openLibrary({ "/model": plain });
    const expected = await draw(opened.page, "/model/");
    for (const worker of [true, false]) {
      const found = await opened.page.evaluate(
        async ({ names, worker }) => {
          const folder = await navigator.storage.getDirectory();
          for (const name of names) {
            const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
            await file.write(await (await fetch(`/model/${name}`)).blob());
            await file.close();
          }
          const loaded = await web.Sampler.load(folder, { device: "wasm", worker });
          const { x } = await loaded.sample({ count: 2, steps: 3, seed: 5 });
          await loaded.dispose();
          return [...x.subarray(0, 20)];
        },
        { names: [...plain.keys()], worker },
      );
      expect(found).toEqual(expected);
    }
  });

  test("memory that does not suffice", async () => {
    await using opened = await openLibrary({ "/model": await smallModel() });
    const told = await opened.page.evaluate(async () => {
      const { Memory } = WebAssembly;
      // No more than ONNX Runtime has at first.
      WebAssembly.Memory = class extends Memory {
        constructor({ initial, shared = false }: WebAssembly.MemoryDescriptor) {
          super({ initial, maximum: initial, shared });
        }
      };
      const loaded = await web.Sampler.load("/model/", { device: "wasm", worker: false });
      const code = await loaded.sample({ count: 64, steps: 1 }).then(
        () => "drawn",
        (error: unknown) => (error as { code?: string }).code,
      );
      const { count } = await loaded.sample({ count: 1, steps: 1 });
      await loaded.dispose();
      WebAssembly.Memory = Memory;
      return { code, count };
    });
    // As its remedy says: fewer images at a time.
    expect(told).toEqual({ code: "out-of-memory", count: 1 });
  });

  test("20 drawings leave nothing behind in WebAssembly's memory", async () => {
    await using opened = await openLibrary({ "/model": await smallModel() });
    const sizes = await opened.page.evaluate(async () => {
      const memories: WebAssembly.Memory[] = [];
      const { Memory } = WebAssembly;
      WebAssembly.Memory = class extends Memory {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          super(descriptor);
          memories.push(this);
        }
      };
      const loaded = await web.Sampler.load("/model/", { device: "wasm", worker: false });
      const bytes: number[] = [];
      for (let i = 0; i < 20; i++) {
        await loaded.sample({ count: 4, steps: 2, seed: i, previews: true });
        bytes.push(memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
      }
      await loaded.dispose();
      WebAssembly.Memory = Memory;
      return bytes;
    });
    expect(sizes[0]).toBeGreaterThan(1e6);
    // The allocator may still grow in the first drawings.
    expect(new Set(sizes.slice(3)).size).toBe(1);
  });
});

/** The names of the files that the page and its workers fetch meanwhile. */
async function fetched(page: Page, work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const note = (request: { url(): string }) => names.push(path.basename(new URL(request.url()).pathname));
  page.context().on("request", note);
  await work();
  page.context().off("request", note);
  return names.sort();
}

async function visitAgain({ page }: TestPage): Promise<void> {
  await page.reload();
  await page.addScriptTag({ url: "/start.js", type: "module" });
}
