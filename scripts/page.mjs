// The demo page, built and served: `npx -y pnpm@12 page`, or at another port: `npx -y pnpm@12 page --port 3000`.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildPage } from "./build-page.mjs";
import { pageModel } from "./page-models.mjs";
import { serve } from "./serve.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = path.join(ROOT, "node_modules/.cache/page");
const PORT = 4173;

process.exitCode = await page();

/** @returns the exit code where there is nothing to serve; else the page is served until Ctrl-C. */
async function page() {
  const port = readPort();
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

/** The number after --port; undefined after a complaint. */
function readPort() {
  try {
    // pnpm hands a `--` of the caller on
    const args = process.argv.slice(2).filter((word) => word !== "--");
    const { values } = parseArgs({ args, options: { port: { type: "string" } } });
    const port = Number(values.port ?? PORT);
    if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
    console.error(`page: --port: found "${values.port}", expected a whole number in 0..65535`);
  } catch (error) {
    console.error(`page: ${error.message.split(/\n|\. /)[0].replace(/\.$/, "")}; the page takes --port N`);
  }
  return undefined;
}
