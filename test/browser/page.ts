/** A page in a real browser, with files of the test's to load. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Page } from "playwright-core";

/** The Chromium of the system: `CHROMIUM`, or where Debian and Chrome's packages put it. */
export const BROWSER = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
  html: "text/html",
  css: "text/css",
};

/** What the server answers: contents, a file on disk, or an error. */
export type Served =
  | { readonly text: string; readonly type?: string }
  | { readonly bytes: Uint8Array }
  | { readonly file: string }
  | { readonly status: number };

export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  /** What the page wrote to its console as an error, or threw. */
  readonly errors: string[];
  /** The paths that the server was asked for, in order, the page's workers included. */
  readonly requests: string[];
}

/**
 * An empty page on a server of its own.
 * @param files - by their path on the server; looked up at each request, so a test may change them.
 * @param flags - more of the browser's flags.
 * @param headers - of every answer.
 */
export async function openPage(
  files: Readonly<Record<string, Served>>,
  flags: readonly string[] = [],
  headers: Readonly<Record<string, string>> = {},
): Promise<TestPage> {
  const requests: string[] = [];
  const server = createServer(async ({ url = "/" }, response) => {
    requests.push(url);
    const found = files[url];
    const body =
      found !== undefined
        ? await contents(found)
        : url === "/"
          ? '<!doctype html><link rel="icon" href="data:,">'
          : undefined;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.statusCode = found && "status" in found ? found.status : body === undefined ? 404 : 200;
    const type = found && "text" in found ? found.type : undefined;
    response.setHeader(
      "content-type",
      type ?? TYPES[url.split(".").at(-1)!] ?? (url === "/" ? "text/html" : "application/octet-stream"),
    );
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    ...(BROWSER === undefined ? {} : { executablePath: BROWSER }),
    // Tests may run as root, where Chromium's sandbox does not.
    args: ["--no-sandbox", ...flags],
  });
  const page = await browser.newPage();
  // As vitest.config.ts has it for what a test waits for.
  page.setDefaultTimeout(200_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    errors,
    requests,
    async [Symbol.asyncDispose]() {
      await browser.close();
      server.close();
    },
  };
}

async function contents(served: Served): Promise<string | Uint8Array | undefined> {
  if ("text" in served) return served.text;
  if ("bytes" in served) return served.bytes;
  return "file" in served ? readFile(served.file) : undefined;
}
