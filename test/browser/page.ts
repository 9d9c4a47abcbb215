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
};

export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  /** What the page wrote to its console as an error, or threw. */
  readonly errors: readonly string[];
}

/**
 * An empty page on a server of its own.
 * @param files - by their path on the server: contents, or the path of a file on disk.
 */
export async function openPage(
  files: Readonly<Record<string, { text: string } | { file: string }>>,
): Promise<TestPage> {
  const server = createServer(async ({ url = "/" }, response) => {
    const found = files[url];
    const body =
      url === "/"
        ? '<!doctype html><link rel="icon" href="data:,">'
        : found && ("text" in found ? found.text : await readFile(found.file));
    response.statusCode = body === undefined ? 404 : 200;
    response.setHeader("content-type", TYPES[url.split(".").at(-1)!] ?? "text/html");
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    ...(BROWSER === undefined ? {} : { executablePath: BROWSER }),
    // Tests may run as root, where Chromium's sandbox does not.
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    errors,
    async [Symbol.asyncDispose]() {
      await browser.close();
      server.close();
    },
  };
}
