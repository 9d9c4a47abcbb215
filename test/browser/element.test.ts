/** `<diffusion-sampler>` as a visitor and a page meet it: from a plain folder by a script tag, and built by Vite. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { DiffusionSampler, DrawnDetail } from "@onnx-diffusion/sampler-web/element";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle-web.mjs";
import { seriousProblems } from "./axe.js";
import { BROWSER, openPage, type Served, type TestPage } from "./page.js";
import { smallModel } from "./small-model.js";

declare global {
  interface Window {
    /** The last account of each element that has drawn. */
    accounts: WeakMap<EventTarget, DrawnDetail>;
  }
}

/** A page of a user's, with a policy under which nothing is evaluated from text and no style comes from elsewhere. */
const pageOf = (body: string, script = '<script type="module" src="element.js"></script>') => `<!doctype html>
<html lang="en"><head><title>Digits</title><link rel="icon" href="data:,">
<meta name="color-scheme" content="light dark">
<meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data: blob:">
${script}</head><body><main><h1>Digits</h1>${body}</main></body></html>`;

const element = (attributes: string) =>
  `<diffusion-sampler model="/model/" device="wasm" ${attributes}></diffusion-sampler>`;

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("in Chromium", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "element-"));
  const files: Record<string, Served> = {};
  let opened: TestPage;

  const open = async (body: string, script?: string) => {
    files["/page.html"] = { text: pageOf(body, script), type: "text/html" };
    await opened.page.goto(new URL("/page.html", opened.page.url()).href);
  };

  /** Waits until the element numbered so has drawn as it is asked to now, and gives the account of it. */
  const drawn = (index = 0) =>
    opened.page.evaluate(
      (index) =>
        new Promise<Omit<DrawnDetail, "images">>((resolve, reject) => {
          const element = document.querySelectorAll("diffusion-sampler")[index] as DiffusionSampler;
          const tell = ({ images, ...detail }: DrawnDetail) => resolve(detail);
          element.addEventListener("done", ({ detail }) => tell(detail), { once: true });
          element.addEventListener("error", ({ error }) => reject(error), { once: true });
          // It may have been done before anybody asked.
          if (element.images) tell(window.accounts.get(element)!);
        }),
      index,
    );

  const first = () => opened.page.locator("diffusion-sampler").first();

  beforeAll(async () => {
    for (const [name, bytes] of await smallModel()) files[`/model/${name}`] = { bytes };
    await bundle(folder);
    for (const name of readdirSync(folder)) files[`/${name}`] = { file: path.join(folder, name) };
    opened = await openPage(files);
    await opened.page.addInitScript(() => {
      window.accounts = new WeakMap();
      const keep = (event: Event) => window.accounts.set(event.target!, (event as CustomEvent).detail);
      window.addEventListener("done", keep, { capture: true });
    });
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test("two on a page of a plain folder, each as its attributes say, with events in order", async () => {
    // What is in view draws by itself; so the one that waits lies below.
    await open(
      `${element('count="3" seed="8" steps="2" sampler="ddpm"')}${element('seed="7" steps="4" labels="3,1" paused')}`,
    );
    const told = await opened.page.evaluate(async () => {
      await customElements.whenDefined("diffusion-sampler");
      const [two, one] = [...document.querySelectorAll("diffusion-sampler")] as DiffusionSampler[];
      const done = (element: DiffusionSampler) =>
        element.images ?? new Promise((resolve) => element.addEventListener("done", resolve));
      await done(two!);
      // The other waits for its visitor, and has loaded nothing.
      const waited = one!.loaded === undefined;
      const events: string[] = [];
      for (const type of ["load", "step", "done", "error"] as const) {
        one!.addEventListener(type, () => events.push(type));
      }
      one!.play();
      await done(one!);
      const canvases = (element: DiffusionSampler) => [...element.shadowRoot!.querySelectorAll("canvas")];
      while (one!.shadowRoot!.querySelector<HTMLInputElement>("[type=range]")!.value !== "4") {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const pixels = canvases(one!).map((canvas) => canvas.getContext("2d")!.getImageData(0, 0, 32, 32).data);
      const same = pixels.map((data, i) =>
        data.every((value, j) => value === one!.images!.imageData(i).data[j]),
      );
      const { x } = await one!.loaded!.sample({ seed: 7, steps: 4, labels: [3, 1] });
      return {
        ...{ waited, events, same },
        asTheLibrary: x.every((value, i) => value === one!.images!.x[i]),
        names: canvases(one!).map((canvas) => canvas.ariaLabel),
        others: canvases(two!).length,
      };
    });
    expect(told).toEqual({
      waited: true,
      events: ["load", "step", "step", "step", "step", "done"],
      same: [true, true],
      asTheLibrary: true,
      names: ["Picture 1: 3", "Picture 2: 1"],
      others: 3,
    });
    expect(opened.errors).toEqual([]);
  });

  test("two of one model load it once, and neither holds the other up", async () => {
    await opened.page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await open(
      element('count="1" steps="300" seed="1" paused') + element('count="2" steps="2" seed="2" paused'),
    );
    opened.requests.length = 0;
    const told = await opened.page.evaluate(async () => {
      await customElements.whenDefined("diffusion-sampler");
      const [one, two] = [...document.querySelectorAll("diffusion-sampler")] as DiffusionSampler[];
      const done = (element: DiffusionSampler) =>
        new Promise<number>((resolve) =>
          element.addEventListener("done", ({ detail }) => resolve(detail.seconds), { once: true }),
        );
      const first = done(one!);
      // Paused in the middle before the other comes: their drawings take turns all the same.
      const begun = new Promise((resolve) => one!.addEventListener("step", resolve, { once: true }));
      one!.play();
      await begun;
      one!.pause();
      const second = done(two!);
      const asked = performance.now();
      two!.play();
      const seconds = [await first, await second];
      const waited = (performance.now() - asked) / 1000;
      const shared = one!.loaded === two!.loaded;
      one!.remove();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const again = done(two!);
      two!.seed = 3;
      await again;
      return { shared, inTurn: seconds[1]! < waited / 2, left: two!.images!.count };
    });
    expect(told).toEqual({ shared: true, inTurn: true, left: 2 });
    const counts = (pattern: RegExp) => opened.requests.filter((path) => pattern.test(path)).sort();
    expect(counts(/^\/model\//)).toEqual(
      [...(await smallModel()).keys()].map((name) => `/model/${name}`).sort(),
    );
    expect(counts(/\.wasm$/)).toEqual(["/ort-wasm-simd-threaded.wasm"]);
    expect(opened.page.workers().length).toBe(1);
    await opened.page.evaluate(() => document.querySelector("diffusion-sampler")!.remove());
    await expect.poll(() => opened.page.workers().length).toBe(0);
    expect(opened.errors).toEqual([]);
  });

  test("attributes and properties say the same, and each change is drawn", async () => {
    await open(element('steps="2" count="2"'));
    await drawn();
    const told = await opened.page.evaluate(async () => {
      const element = document.querySelector("diffusion-sampler")!;
      const attribute = (name: string) => element.getAttribute(name);
      const next = () =>
        new Promise<DrawnDetail>((resolve) =>
          element.addEventListener("done", ({ detail }) => resolve(detail), { once: true }),
        );
      const random = Number(attribute("seed")) === element.seed && Number.isInteger(element.seed);
      const accounts: Omit<DrawnDetail, "images" | "seconds">[] = [];
      for (const change of [
        () => element.setAttribute("seed", "12"),
        () => Object.assign(element, { labels: [4, 5, 6], count: undefined, steps: 3 }),
        () => Object.assign(element, { pick: 9, sampler: "heun" }),
      ]) {
        const done = next();
        change();
        const { seed, labels, steps } = await done;
        accounts.push({ seed, labels, steps });
      }
      const now = ["seed", "labels", "count", "steps", "pick", "sampler"].map(attribute);
      element.setAttribute("labels", "0-2,7");
      return { random, accounts, now, range: element.labels };
    });
    expect(told).toEqual({
      random: true,
      accounts: [
        { seed: 12, labels: [0, 1], steps: 2 },
        { seed: 12, labels: [4, 5, 6], steps: 3 },
        // Heun asks the network twice in each step but the last.
        { seed: 12, labels: [9, 9, 9], steps: 5 },
      ],
      now: ["12", "4,5,6", null, "3", "9", "heun"],
      range: [0, 1, 2, 7],
    });
    expect(opened.errors).toEqual([]);
  });

  test("by keyboard: pause, go on, a class, a seed, a look back; readers are told", async () => {
    // At least three seconds of film, however fast they are drawn, and longer on a machine that is slow.
    await open(element('count="1" steps="400" seed="1"'));
    const play = first().getByRole("button", { name: "Pause" });
    await first().getByRole("slider", { name: "Step" }).and(opened.page.locator(":enabled")).waitFor();
    await play.focus();
    await opened.page.keyboard.press("Space");
    expect(await first().getAttribute("paused")).toBe("");
    const status = first().getByRole("status");
    expect(await status.textContent()).toBe("Paused");
    const step = () => first().getByRole("slider", { name: "Step" }).inputValue();
    const held = await step();
    await opened.page.waitForTimeout(150);
    expect(await step()).toBe(held);
    expect(Number(held)).toBeLessThan(400);
    const done = drawn();
    await opened.page.keyboard.press("Space");
    const seen = first().locator("[part~=status]");
    expect(await seen.textContent()).not.toMatch(/Paused/);
    expect(await done).toMatchObject({ seed: 1, steps: 400 });
    const account = /^1 picture in \d+\.\d s on WebAssembly, \S+ steps\/s$/;
    expect(await status.textContent()).toMatch(account);

    // Seen again, a pause speaks over the account and going on brings it back.
    await first().getByRole("button", { name: "Play again" }).focus();
    // One right after the other: the film does not wait.
    await opened.page.keyboard.press("Space");
    await opened.page.keyboard.press("Space");
    expect(await seen.textContent()).toMatch(/^Paused at step \d+ of 400$/);
    await first().getByRole("button", { name: "Play" }).press("Space");
    expect(await seen.textContent()).toMatch(account);
    expect(await status.textContent()).toMatch(account);

    const changed = opened.page.evaluate(
      () =>
        new Promise((resolve) =>
          document.querySelector("diffusion-sampler")!.addEventListener("change", resolve),
        ),
    );
    await first().getByRole("spinbutton", { name: "Steps" }).fill("3");
    await opened.page.keyboard.press("Tab");
    await changed;
    await first().getByRole("radio", { name: "All" }).focus();
    await opened.page.keyboard.press("ArrowRight");
    expect(await first().getAttribute("pick")).toBe("0");
    expect(await first().getByRole("radio", { name: "0" }).isChecked()).toBe(true);
    expect(await drawn()).toMatchObject({ seed: 1 });
    await opened.page.waitForFunction(
      () =>
        document
          .querySelector("diffusion-sampler")!
          .shadowRoot!.querySelector<HTMLInputElement>("[type=range]")!.value === "3",
    );
    await first().getByRole("slider").focus();
    await opened.page.keyboard.press("ArrowLeft");
    expect(await first().getByRole("slider").getAttribute("aria-valuetext")).toBe("step 2 of 3");
    await first().getByRole("button", { name: "New random seed" }).press("Enter");
    expect(await first().getAttribute("seed")).not.toBe("1");
    expect(opened.errors).toEqual([]);
  });

  test("with reduced motion only the end is seen, at once", async () => {
    await opened.page.emulateMedia({ reducedMotion: "reduce" });
    await open(element('count="2" steps="12" seed="1" paused'));
    const seen = await opened.page.evaluate(async () => {
      const element = document.querySelector("diffusion-sampler")!;
      const slider = element.shadowRoot!.querySelector<HTMLInputElement>("[type=range]")!;
      const seen = new Set<string>();
      const look = () => seen.add(slider.value);
      element.addEventListener("step", look);
      element.play();
      await new Promise((resolve) => element.addEventListener("done", resolve));
      // What is to be shown later is shown in the frames to come.
      for (let frames = 0; frames < 10; frames += Number(slider.value === "12")) {
        look();
        await new Promise(requestAnimationFrame);
      }
      return [...seen];
    });
    await opened.page.emulateMedia({ reducedMotion: null });
    expect(seen).toEqual(["0", "12"]);
  });

  test("the pictures as a file, as they are seen", async () => {
    await open(element('steps="2" seed="3"'));
    await drawn();
    const download = opened.page.waitForEvent("download");
    await first().getByRole("button", { name: "Download as PNG" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe("diffusion-seed-3.png");
    const png = readFileSync(await file.path());
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    // Ten pictures of 32 pixels, five in a row, each pixel 8 by 8.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([5 * 32 * 8, 2 * 32 * 8]);
  });

  test("what is wrong is said with its remedy, and trying again helps", async () => {
    const weights = files["/model/weights.safetensors"]!;
    files["/model/weights.safetensors"] = { status: 404 };
    await opened.page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await open(element('steps="2"'));
    const alert = first().getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /^http:\S+weights\.safetensors: the server answered 404\. Check the address/,
    );
    files["/model/weights.safetensors"] = weights;
    await first().getByRole("button", { name: "Try again" }).click();
    expect(await drawn()).toMatchObject({ steps: 2 });
    expect(await alert.isVisible()).toBe(false);
    const codes = await opened.page.evaluate(async () => {
      const element = document.querySelector("diffusion-sampler")!;
      const codes: string[] = [];
      for (const [name, value] of [
        ["steps", "many"],
        ["labels", "10"],
        ["seed", "-1"],
      ] as const) {
        const failed = new Promise<string>((resolve) =>
          element.addEventListener("error", ({ error }) => resolve(error.code), { once: true }),
        );
        element.setAttribute(name, value);
        codes.push(await failed);
        element.removeAttribute(name);
      }
      return codes;
    });
    expect(codes).toEqual(["options", "labels", "options"]);
  });

  test("one that leaves the page takes its worker along; one that is moved keeps it", async () => {
    await open(`${element('steps="2" seed="1"')}<div></div>`);
    await drawn();
    expect(opened.page.workers().length).toBe(1);
    await opened.page.evaluate(() =>
      document.querySelector("div")!.append(document.querySelector("diffusion-sampler")!),
    );
    expect(await opened.page.evaluate(() => document.querySelector("diffusion-sampler")!.images?.count)).toBe(
      10,
    );
    await opened.page.evaluate(() => document.querySelector("diffusion-sampler")!.remove());
    await expect.poll(() => opened.page.workers().length).toBe(0);
  });

  test.each(["light", "dark"] as const)("axe finds nothing serious (%s)", async (colorScheme) => {
    await opened.page.emulateMedia({ colorScheme });
    await open(`${element('steps="2" seed="1"')}<diffusion-sampler></diffusion-sampler>`);
    await drawn();
    await opened.page.locator("diffusion-sampler").last().getByRole("alert").waitFor();
    expect(await seriousProblems(opened.page)).toEqual([]);
  });

  test("through Vite", async () => {
    // Inside the workspace, so that the package is found by its name.
    const project = fileURLToPath(new URL("../../node_modules/.cache/vite-page", import.meta.url));
    mkdirSync(project, { recursive: true });
    writeFileSync(path.join(project, "main.js"), 'import "@onnx-diffusion/sampler-web/element";');
    const script = '<script type="module" src="./main.js"></script>';
    writeFileSync(path.join(project, "index.html"), pageOf(element('steps="2" seed="5"'), script));
    const outDir = path.join(project, "dist");
    await build({
      root: project,
      configFile: false,
      logLevel: "error",
      build: { outDir, emptyOutDir: true },
    });
    for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
      if (name.includes(".")) files[`/${name}`] = { file: path.join(outDir, name) };
    }
    await opened.page.goto(new URL("/index.html", opened.page.url()).href);
    expect(await drawn()).toMatchObject({ seed: 5 });
    expect(opened.errors.filter((text) => !/404/.test(text))).toEqual([]);
  });
});
