// The demo page, built and served: `npx -y pnpm@12 page`, or at another port: `npx -y pnpm@12 page --port 3000`.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "./build-page.mjs";
import { pageModel } from "./page-models.mjs";
import { readNumber } from "./read-number.mjs";
import { serve } from "./serve.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = path.join(ROOT, "node_modules/.cache/page");
const PORT = 4173;

process.exitCode = await page();

/** @returns the exit code where there is nothing to serve; else the page is served until Ctrl-C. */
async function page() {
  const range = { least: 0, most: 65535, expected: "a whole number in 0..65535" };
  const port = readNumber("page", "port", PORT, range);
  if (port === undefined) return 2;
  try {
    await buildPage(FOLDER);
    const folders = { "/": FOLDER };
    for (const name of ["unet-cond", "unet-time"]) folders[`/models/${name}/`] = await pageModel(name);
    const { url, close } = await serve(folders, port);
    console.log(`The demo page is at ${url}\nCtrl-C stops.`);
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, close);
  } catch (error) {
    console.error(`page: ${error.message}`);
    return 1;
  }
}
