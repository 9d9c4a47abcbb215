/** The demo page as static files: its code with the library's, fonts, and ten digits of MNIST. */
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { loadDataset } from "@onnx-diffusion/trainer";
import { bundle } from "./bundle-web.mjs";

const PAGE = fileURLToPath(new URL("../packages/sampler-web/page", import.meta.url));
const fontsource = (file) => fileURLToPath(import.meta.resolve(`@fontsource${file}`));

/** What is copied as it is. */
const FILES = {
  "index.html": path.join(PAGE, "index.html"),
  "page.css": path.join(PAGE, "page.css"),
  "icon.svg": path.join(PAGE, "icon.svg"),
  "inter.woff2": fontsource("-variable/inter/files/inter-latin-wght-normal.woff2"),
  "instrument-serif.woff2": fontsource("/instrument-serif/files/instrument-serif-latin-400-normal.woff2"),
  "instrument-serif-italic.woff2": fontsource(
    "/instrument-serif/files/instrument-serif-latin-400-italic.woff2",
  ),
};

/** Writes the page to a folder, which holds nothing else then. */
export async function buildPage(folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([
    bundle(folder, { page: path.join(PAGE, "src/main.ts") }),
    ...Object.entries(FILES).map(([name, file]) => copyFile(file, path.join(folder, name))),
    tenDigits().then((bytes) => writeFile(path.join(folder, "digits.bin"), bytes)),
  ]);
}

/** MNIST's test images of 0 to 9 that the page begins with: plainly written ones. */
const PLAIN = [10, 5, 35, 32, 27, 15, 21, 0, 110, 12];

/** A picture of each digit among MNIST's test images, uint8 [10,32,32]. */
async function tenDigits() {
  const dataset = await loadDataset("mnist", { split: "test", height: 32, width: 32, channels: 1 });
  const bytes = new Uint8Array(PLAIN.length * 32 * 32);
  dataset.images(PLAIN, bytes);
  return bytes;
}
