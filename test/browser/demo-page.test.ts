/** The demo page as `npx -y pnpm@12 page` serves it, with small models. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { unetCond } from "@onnx-diffusion/graph-builder";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildPage } from "../../scripts/build-page.mjs";
import { serve } from "../../scripts/serve.mjs";
import { seriousProblems } from "./axe.js";
import { BROWSER, openPage, type TestPage } from "./page.js";
import { exported, smallModel } from "./small-model.js";

const folder = mkdtempSync(path.join(tmpdir(), "demo-page-"));
const at = (...parts: string[]) => path.join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An answer with its body. */
const fetched = (url: string, headers: Record<string, string> = {}, method = "GET") =>
  new Promise<{ response: IncomingMessage; body: Buffer }>((resolve, reject) => {
    const asked = method === "GET" ? get(url, { headers }) : request(url, { headers, method }).end();
    asked.on("error", reject).on("response", async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ response, body: Buffer.concat(chunks) });
    });
  });

describe("the server", () => {
  let served: Awaited<ReturnType<typeof serve>>;
  const TEXT = "console.log(1);\n".repeat(50);

  beforeAll(async () => {
    mkdirSync(at("public/deep"), { recursive: true });
    writeFileSync(at("secret.txt"), "secret");
    writeFileSync(at("public/index.html"), "<!doctype html>");
    writeFileSync(at("public/a.js"), TEXT);
    writeFileSync(at("public/a.wasm"), "wasm");
    writeFileSync(at("public/weights.safetensors"), "weights");
    symlinkSync(at("secret.txt"), at("public/link.txt"));
    served = await serve({ "/": at("public") }, 0);
  });
  afterAll(() => served.close());

  test("sends pages with what isolates them, and each file as what it is", async () => {
    const { response, body } = await fetched(served.url);
    expect(body.toString()).toBe("<!doctype html>");
    expect(response.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    expect(response.headers["content-security-policy"]).not.toContain("'unsafe-eval'");
    const type = async (file: string) => (await fetched(served.url + file)).response.headers["content-type"];
    expect(await type("a.js?v=1")).toBe("text/javascript; charset=utf-8");
    expect(await type("a.wasm")).toBe("application/wasm");
    expect(await type("weights.safetensors")).toBe("application/octet-stream");
  });

  test("packs what gets smaller, and sends nothing twice", async () => {
    const url = `${served.url}a.js`;
    const brotli = await fetched(url, { "accept-encoding": "gzip, br" });
    expect(brotli.response.headers["content-encoding"]).toBe("br");
    expect(brotliDecompressSync(brotli.body).toString()).toBe(TEXT);
    const gzip = await fetched(url, { "accept-encoding": "gzip" });
    expect(gunzipSync(gzip.body).toString()).toBe(TEXT);
    expect((await fetched(url)).body.toString()).toBe(TEXT);
    const weights = await fetched(`${served.url}weights.safetensors`, { "accept-encoding": "br" });
    expect([weights.response.headers["content-encoding"], weights.body.toString()]).toEqual([
      undefined,
      "weights",
    ]);
    const { etag } = brotli.response.headers;
    const again = await fetched(url, { "accept-encoding": "br", "if-none-match": etag! });
    expect([again.response.statusCode, again.body.length]).toEqual([304, 0]);
    const head = await fetched(url, {}, "HEAD");
    expect([head.response.statusCode, head.response.headers["content-length"], head.body.length]).toEqual([
      200,
      String(TEXT.length),
      0,
    ]);
  });

  test.each([
    ["../secret.txt"],
    ["%2e%2e/secret.txt"],
    ["..%2fsecret.txt"],
    ["deep/../../secret.txt"],
    ["link.txt"],
    ["%00"],
    ["%"],
    ["deep"],
    ["nothing.js"],
  ])("has no %s", async (name) => {
    const { port } = new URL(served.url);
    // As it stands: what takes addresses would take the dots out.
    const status = await new Promise((resolve) => {
      get({ host: "localhost", port, path: `/${name}` }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    expect(status).toBe(404);
  });

  test("only reads", async () => {
    expect((await fetched(served.url, {}, "POST")).response.statusCode).toBe(405);
  });

  test("takes the next port where one is taken", async () => {
    const port = Number(new URL(served.url).port);
    const next = await serve({ "/": at("public") }, port);
    expect(Number(new URL(next.url).port)).toBeGreaterThan(port);
    next.close();
  });
});

test("the command prints its address and stops at Ctrl-C; what it does not know is refused", async () => {
  const script = fileURLToPath(new URL("../../scripts/page.mjs", import.meta.url));
  const run = (...args: string[]) => {
    const process_ = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => void process_.kill("SIGKILL"));
    const text = { out: "", err: "" };
    process_.stdout.on("data", (data) => (text.out += data));
    process_.stderr.on("data", (data) => (text.err += data));
    return { process_, text, ended: once(process_, "exit") };
  };
  const page = run("--port", "0");
  await expect.poll(() => page.text.out).toMatch(/Ctrl-C stops/);
  const url = /http:\/\/localhost:\d+\//.exec(page.text.out)![0];
  expect((await fetched(url)).body.toString()).toContain("<h1");
  page.process_.kill("SIGINT");
  expect((await page.ended)[0]).toBe(0);
  const wrong = run("--port", "many");
  expect((await wrong.ended)[0]).toBe(2);
  expect(wrong.text.err).toBe('page: --port: found "many", expected a whole number in 0..65535\n');
  const unknown = run("--prot", "0");
  expect((await unknown.ended)[0]).toBe(2);
  expect(unknown.text.err).toBe("page: Unknown option '--prot'; the page takes --port N\n");
});

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("in Chromium", () => {
  let opened: TestPage;
  let served: Awaited<ReturnType<typeof serve>>;

  beforeAll(async () => {
    put("unet-time", await smallModel());
    await buildPage(at("page"));
    served = await serve(
      { "/": at("page"), "/models/unet-time/": at("unet-time"), "/models/unet-cond/": at("unet-cond") },
      0,
    );
    opened = await openPage({});
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    served?.close();
  });

  const put = (name: string, model: ReadonlyMap<string, Uint8Array>) => {
    mkdirSync(at(name));
    for (const [file, bytes] of model) writeFileSync(at(name, file), bytes);
  };
  /** By how much the film's last picture is off from the library's, of 256 values. */
  const filmOff = (sampler: "ddim" | "ddpm", steps: number) =>
    opened.page.evaluate(
      async ({ sampler, steps }) => {
        const { loaded } = document.querySelector("diffusion-sampler")!;
        const { x } = await loaded!.sample({ count: 1, labels: [3], seed: 7, sampler, steps });
        const canvas = document.querySelector<HTMLCanvasElement>("#film figure:last-child canvas")!;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, 32, 32);
        const off = Array.from({ length: 1024 }, (_, i) =>
          Math.abs(data[4 * i]! - Math.min(255, Math.max(0, (x[i]! + 1) * 127.5))),
        );
        return Math.max(...off);
      },
      { sampler, steps },
    );
  const pixels = (id: string) =>
    opened.page.evaluate((id) => {
      const canvas = document.querySelector<HTMLCanvasElement>(id)!;
      return [...canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height).data];
    }, id);
  const slide = (id: string, value: number) => opened.page.locator(id).fill(String(value));

  test("on a phone: isolated, not too wide, and the digits are drawn", async () => {
    const { page } = opened;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(served.url);
    await page.locator("#speed", { hasText: "steps/s" }).waitFor();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    // The classes end at the same edge in each of their rows.
    const rows = await page.evaluate(() => {
      const { shadowRoot } = document.querySelector("diffusion-sampler")!;
      const rows = new Map<number, number[]>();
      for (const label of shadowRoot!.querySelectorAll("fieldset label")) {
        const { top, left, right } = label.getBoundingClientRect();
        rows.set(top, [rows.get(top)?.[0] ?? left, right]);
      }
      return [...rows.values()];
    });
    expect(rows).toHaveLength(2);
    expect(rows[1]).toEqual(rows[0]);
    // The other network is not there, which the page asked.
    expect(opened.errors.filter((text) => !/404/.test(text))).toEqual([]);
  });

  test("forward: the digit alone at step 0, and the schedule's shares at its end", async () => {
    await slide("#forward-slider", 0);
    const three = readFileSync(at("page/digits.bin")).subarray(3 * 1024, 4 * 1024);
    expect(await pixels("#forward-picture")).toEqual([...three].flatMap((grey) => [grey, grey, grey, 255]));
    await slide("#forward-slider", 400);
    let sum = 0;
    for (let t = 0; t <= 400; t++) sum += Math.log(1 - (1e-4 + ((0.02 - 1e-4) * t) / 400));
    const shares = [Math.exp(sum / 2), Math.sqrt(1 - Math.exp(sum))].map((share) => share.toFixed(2));
    expect(await opened.page.locator(".formula b").allTextContents()).toEqual(shares);
  });

  test("reverse: the film ends with the library's picture", async () => {
    const { page } = opened;
    await page.locator("#film").scrollIntoViewIfNeeded();
    await page.locator("#film figure.empty").first().waitFor({ state: "detached" });
    // Rounded to one of 256 values.
    expect(await filmOff("ddim", 40)).toBeLessThanOrEqual(0.5 + 1e-4);
  });

  test("image to image: from a digit, at the level asked for, and from strokes", async () => {
    const { page } = opened;
    await page.locator("#pad").scrollIntoViewIfNeeded();
    await slide("#redraw-strength", 20);
    // 20 % of 50 steps over 400 levels.
    await page.locator("#redraw-level", { hasText: "Noised to t = 80" }).waitFor();
    await page.locator("#redraw-real button").nth(5).click();
    await page.locator("#redraw-state", { hasText: "Four ways back" }).waitFor();
    expect(new Set(await pixels("#redraw-results canvas")).size).toBeGreaterThan(50);
    await page.locator("#pad-clear").click();
    /** White pixels of the pad. */
    const white = () =>
      page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>("#pad")!;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, i) => i % 4 === 0 && value === 255).length;
      });
    expect(await white()).toBe(0);
    // `hover` waits until the page has scrolled there.
    await page.locator("#pad").hover({ position: { x: 60, y: 60 } });
    await page.mouse.down();
    await page.locator("#pad").hover({ position: { x: 100, y: 90 } });
    await page.mouse.up();
    // A line of 50 pixels of the page, whose pad is 160 wide and 320 itself; the pen is 26 wide.
    expect(await white()).toBeGreaterThan(2000);
    expect(await white()).toBeLessThan(5000);
  });

  test("between two seeds: other drawings at other places", async () => {
    const { page } = opened;
    await page.locator("#between-picture").scrollIntoViewIfNeeded();
    await expect
      .poll(async () => (await pixels("#between-picture")).some((value) => value > 0 && value < 255))
      .toBe(true);
    const middle = await pixels("#between-picture");
    await slide("#between-slider", 0);
    expect(await pixels("#between-picture")).not.toEqual(middle);
    expect(opened.errors.filter((text) => !/404/.test(text))).toEqual([]);
  });

  test("a network that is not there is said kindly, and the other one goes on", async () => {
    const { page } = opened;
    await page.locator("#models [value=unet-cond]").check();
    await page.locator("#missing").waitFor();
    expect(await page.locator("#missing").textContent()).toContain("--out models/unet-cond/trained");
    await page.locator("#models [value=unet-time]").check();
    await page.locator("#hero").waitFor();
    expect(await page.locator("#missing").isVisible()).toBe(false);
  });

  test("a network that is not told the time is drawn with by DDPM, also between two seeds", async () => {
    const { page } = opened;
    put(
      "unet-cond",
      await exported(unetCond({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] })),
    );
    const before = await pixels("#between-picture");
    await page.locator("#models [value=unet-cond]").check();
    await page.locator("#facts", { hasText: "DDPM" }).waitFor();
    expect(await page.locator("#hero").evaluate((hero: HTMLElement) => hero.getAttribute("steps"))).toBe(
      "100",
    );
    expect(await page.locator("#tag pre").textContent()).toContain('sampler="ddpm"');
    // As above.
    await expect.poll(() => filmOff("ddpm", 80)).toBeLessThanOrEqual(0.5 + 1e-4);
    await expect.poll(() => pixels("#between-picture")).not.toEqual(before);
  });

  test.each(["light", "dark"] as const)("axe finds nothing serious (%s)", async (colorScheme) => {
    await opened.page.emulateMedia({ colorScheme });
    expect(await seriousProblems(opened.page)).toEqual([]);
  });
});
